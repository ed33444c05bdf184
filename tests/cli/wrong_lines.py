"""Two hundred wrong command lines, one a line; ``test_wrong_lines`` holds each to one cause and one remedy.

``WS`` is an empty workspace, ``MADE`` one with an evaluated run of vae, ``FILE`` a file, ``FOLDER`` an empty
folder, ``CONF`` a folder of configurations with broken files beside good ones. Behind ``->`` is a part of
the message.
"""

LINES = r"""
# commands
rnu -> Did you mean 'run'
runn --dataset toy -> Did you mean 'run'
trian -> no command 'trian'
statsu -> Did you mean 'status'
evaluate --dataset toy -> no command 'evaluate'
RUN --dataset toy -> no command 'RUN'
"" -> no command ''
"run " --dataset toy -> Did you mean 'run'
./run --dataset toy -> Did you mean 'run'
rün --dataset toy -> Did you mean 'run'
--dataset toy run -> '--dataset'
--verbose run --dataset toy -> '--verbose'
-v -> '-v'
help rnu -> Did you mean 'run'
help data mkae -> Did you mean 'make'
data mkae -> Did you mean 'make'
data lst -> Did you mean 'list'
data toy -> no command 'toy'
data fetch_weights -> Did you mean 'fetch-weights'
completion -> bash
completion powershell -> powershell
completion bash zsh -> unexpected extra argument
models vae -> unexpected extra argument
status now -> unexpected extra argument
data list toy -> unexpected extra argument
# data sets
run -> toy
run training.epochs=5 -> toy
verify -> toy
aggregate -> toy
report -> toy
config -> toy
export --to WS/new -> toy
data make -> toy
data inspect -> toy
data verify -> toy
data export -> toy
data make dataset.reader.count=50 -> toy
run toy -> no data set is named
run --dataset -> requires an argument
run --dataset toyy --workspace WS -> did you mean 'toy'
run --dataset Toy --workspace WS -> did you mean 'toy'
run --dataset "" --workspace WS -> unknown dataset
run --dataset " toy" --workspace WS -> did you mean 'toy'
run --dataset toy,epure --workspace WS -> unknown dataset
run --dataset toy --dataset epure --workspace WS -> given 2 times
run --dataset ../toy --workspace WS -> unknown dataset
run --dataset common/mammograms --workspace WS -> unknown dataset
run --dataset toy.yaml --workspace WS -> did you mean 'toy'
run --dataset töy --workspace WS -> did you mean 'toy'
run --dataset 💥 --workspace WS -> unknown dataset
run --dataset * --workspace WS -> unknown dataset
run --dataset epure --models mdm --workspace WS --dry-run -> data/epure does not exist
run --dataset nlbs --workspace WS --dry-run -> dataset.root does not say
run --dataset nlbs dataset.root=/nowhere/a=b --workspace WS --dry-run -> /nowhere/a=b does not exist
run --dataset nlbs dataset.root=FILE --workspace WS --dry-run -> does not exist
run --dataset nlbs dataset.root=FOLDER --workspace WS --dry-run -> are called metadata
run --dataset nlbs dataset.root=~nobody-here/x --workspace WS --dry-run -> nobody-here
run --dataset nlbs dataset.root= --workspace WS --dry-run -> dataset.root must be null or text
run --dataset nlbs dataset.root=null --workspace WS --dry-run -> dataset.root does not say
run --dataset nlbs "dataset.root=/a b/${HOME}" --workspace WS --dry-run -> /a b/${HOME} does not exist
run --dataset nlbs "dataset.root=C:\data\x,y" --workspace WS --dry-run -> C:\data\x,y does not exist
run --dataset epure --models vae dataset.reader.table=a,b --workspace WS -> data/epure does not exist
data make toy epure --workspace WS -> cannot read 'epure'
data make toyy --workspace WS -> did you mean 'toy'
data inspect --dataset toy epure --workspace WS -> cannot read 'epure'
aggregate --dataset toyy --workspace WS -> did you mean 'toy'
report --dataset toyy --workspace WS -> did you mean 'toy'
export --dataset toyy --to WS/new --workspace WS -> did you mean 'toy'
config --dataset toyy -> did you mean 'toy'
# models
run --dataset toy --models vaee --workspace WS -> did you mean 'vae'
run --dataset toy --models VAE --workspace WS -> unknown model 'VAE'
run --dataset toy --models "" --workspace WS -> names no model
run --dataset toy --models , --workspace WS -> names no model
run --dataset toy --models vae,dpm --workspace WS -> did you mean 'ddpm'
run --dataset toy --models vae ddpm --workspace WS -> --models vae,ddpm
run --dataset toy --models "vae ddpm" --workspace WS -> --models vae,ddpm
run --dataset toy --models vae;ddpm --workspace WS -> unknown model
run --dataset toy --models vae.yaml --workspace WS -> did you mean 'vae'
run --dataset toy --models all --workspace WS -> unknown model 'all'
run --dataset toy --models cvae --workspace WS -> cvae draws grey
run --dataset toy --model vae --workspace WS -> '--models'
run --dataset toy --models -> requires an argument
run --dataset toy --models vae --models vaee --workspace WS -> did you mean 'vae'
aggregate --dataset toy --models vae ddpm --workspace WS -> with commas
config --dataset toy --models vae ddpm -> --models vae,ddpm
export --dataset toy --models vae ddpm --to WS/new --workspace WS -> --models vae,ddpm
# seeds
run --dataset toy --seeds "" --workspace WS -> cannot read the seed
run --dataset toy --seeds 0,x --workspace WS -> cannot read the seed 'x'
run --dataset toy --seeds 0,,1 --workspace WS -> cannot read the seed
run --dataset toy --seeds -1 --workspace WS -> cannot read the seed '-1'
run --dataset toy --seeds 4-2 --workspace WS -> cannot read the seed '4-2'
run --dataset toy --seeds 1.5 --workspace WS -> cannot read the seed '1.5'
run --dataset toy --seeds 1e3 --workspace WS -> cannot read the seed
run --dataset toy --seeds ² --workspace WS -> cannot read the seed
run --dataset toy --seeds 0..4 --workspace WS -> cannot read the seed
run --dataset toy --seeds 0:4 --workspace WS -> cannot read the seed
run --dataset toy --seeds 99999999999999999999 --workspace WS -> cannot read the seed
run --dataset toy --seeds 0-99999999 --workspace WS -> too many
run --dataset toy --seeds 0 1 2 --workspace WS -> --seeds 0,1,2
run --dataset toy --seed 0 --workspace WS -> '--seeds'
export --dataset toy --models vae --seeds x --to WS/new --workspace MADE -> cannot read the seed
export --dataset toy --models ddpm --to MADE/new --workspace MADE -> no evaluated run
# profiles and devices
run --dataset toy --profile slow --workspace WS -> unknown profile 'slow'
run --dataset toy --profile quik --workspace WS -> did you mean 'quick'
run --dataset toy --profile "" --workspace WS -> unknown profile
run --dataset toy --profile quick,full --workspace WS -> unknown profile
run --dataset toy --profile quick --profile full --workspace WS -> given 2 times
run --dataset toy --profile Quick --workspace WS -> did you mean 'quick'
config --dataset toy --profile slow -> unknown profile 'slow'
data make toy --profile slow --workspace WS -> unknown profile 'slow'
run --dataset toy --device gpu --workspace WS -> unknown device 'gpu'
run --dataset toy --device "" --workspace WS -> unknown device
run --dataset toy --device cuda:x --workspace WS -> unknown device
run --dataset toy --device 0 --workspace WS -> unknown device
run --dataset toy --devices cpu --workspace WS -> '--device'
# numbers
run --dataset toy --num-samples 0 --workspace WS -> --num-samples
run --dataset toy --num-samples -5 --workspace WS -> --num-samples
run --dataset toy --num-samples many --workspace WS -> --num-samples
run --dataset toy --num-samples 1.5 --workspace WS -> --num-samples
run --dataset toy --num-samples "" --workspace WS -> --num-samples
run --dataset toy --num-samples 5 --num-samples 6 --workspace WS -> given 2 times
run --dataset toy --num_samples 5 --workspace WS -> '--num-samples'
status --every 0 --workspace WS -> --every
status --every -1 --workspace WS -> --every
status --every often --workspace WS -> --every
status --every 1e300 --workspace WS -> --every
status --every nan --workspace WS -> --every
data export toy --subset 1 --workspace WS -> --subset
data export toy --subset x --workspace WS -> --subset
data export toy --only-subset --workspace WS -> needs --subset
# flags that contradict each other, or ask for what is not there
run --dataset toy --models ddpm,vae --skip-training --workspace WS -> are not trained: ddpm:0
run --dataset toy --models vae --skip-training --dry-run --workspace WS -> not trained: vae:0
run --dataset toy --models vae,ddpm --seeds 0,1 --skip-training --workspace WS -> 4 of 4
run --dataset toy --models vae --skip-training --skip-sampling --workspace WS -> not sampled: vae:0
run --dataset toy --skip-training --force train --workspace WS -> contradict
run --dataset toy --skip-sampling --force sample --workspace WS -> contradict
run --dataset toy --skip-evaluation --force evaluate --workspace WS -> contradict
run --dataset toy --skip-evaluation --force reference --workspace WS -> contradict
run --dataset toy --force everything --workspace WS -> everything
run --dataset toy --force --workspace WS -> --force
run --dataset toy --force train,sample --workspace WS -> train,sample
run --dataset toy --dryrun --workspace WS -> '--dry-run'
run --dataset toy --dry-run=yes --workspace WS -> --dry-run
run --dataset toy --skip-train --workspace WS -> '--skip-training'
run --dataset nlbs --png dataset.root=FOLDER --workspace WS -> private
aggregate --dataset toy --models vae --workspace WS -> no evaluated run
aggregate --dataset toy --seeds 0 --workspace WS -> '--seeds'
report --dataset toy --models vae --workspace WS -> no evaluated run
report --dataset toy --models vae --profile test --workspace WS -> no evaluated run
report --dataset toy --models vae dataset.conditions=performance --workspace MADE -> made with other settings
report --dataset toy --models vae dataset.conditions=none --workspace MADE -> dataset.conditions=geometry
export --dataset toy --models vae --to MADE/new dataset.conditions=none --workspace MADE -> other settings
export --dataset toy --models vae --to WS/new --workspace WS -> no evaluated run
export --dataset toy --workspace WS -> '--to'
export --dataset toy --to FOLDER --workspace WS -> exists
export --dataset toy --to FILE --workspace WS -> is a file
export --dataset toy --to FILE/new --workspace WS -> Not a directory
export --dataset toy --to /nowhere/new --workspace WS -> /nowhere is not there
export --dataset toy --to "" --workspace WS -> empty word
export --dataset toy --to WS/new --mode conditionally --workspace WS -> conditionally
export --dataset toy --to WS/new --mode reconstruction --workspace WS -> reconstruction
export --dataset toy --to WS/new --format jpeg --workspace WS -> jpeg
data inspect toy --picture /nowhere/deep/x.png --workspace WS -> /nowhere/deep is not there
data inspect toy --picture FOLDER --workspace WS -> is a directory
data inspect toy --picture "" --workspace WS -> empty word
data inspect toy --picture FILE/x.png --workspace WS -> Not a directory
data export toy --to FILE --workspace WS -> is a file
data export toy --to CONF --workspace WS -> is not empty
data export toy --to /nowhere/deep/toy --workspace WS -> /nowhere/deep is not there
data make toy --size tiny --workspace WS -> has no size
data make toy --layout old --workspace WS -> has no layout
data make toy --admit-identified because --workspace WS -> has no admit-identified
data fetch-weights --from /nowhere/w.pth --workspace WS -> does not exist
data fetch-weights --from FOLDER --workspace WS -> is a directory
run --dataset toy --inception-weights /nowhere/w.pth --workspace WS -> does not exist
run --dataset toy --inception-weights FOLDER --workspace WS -> is a directory
# workspaces, branches, folders of configurations
status --workspace /nowhere -> does not exist
status --workspace FILE -> is a file
status --workspace "" -> empty word
status --workspace FILE/deeper -> Not a directory
status --branch ../../etc --workspace WS -> no branch '../../etc'
status --branch /etc --workspace WS -> no branch '/etc'
status --branch nothing --workspace WS -> no branch 'nothing'
status --branch C:\x --workspace WS -> no branch
status --watch=5 --workspace WS -> --watch
compare vae ddpm --dataset toy --branch ../.. --workspace WS -> no branch
compare vae ddpm --dataset toy --workspace /nowhere -> does not exist
report --dataset toy --workspace /nowhere -> does not exist
aggregate --dataset toy --workspace /nowhere -> does not exist
run --dataset toy --workspace FILE -> is a file
run --dataset toy --workspace FILE/x -> Not a directory
run --dataset toy --workspace WS --workspace FOLDER -> given 2 times
run --dataset toy --workspace ~nobody-here/x -> nobody-here
run --dataset toy --conf /nowhere --workspace WS -> not a configuration folder
run --dataset toy --conf FOLDER --workspace WS -> not a configuration folder
run --dataset toy --conf FILE --workspace WS -> is a file
models --conf FOLDER -> not a configuration folder
data list --conf FOLDER -> not a configuration folder
run --dataset tab --conf CONF --workspace WS -> line 3: a tab
run --dataset latin --conf CONF --workspace WS -> line 4: byte 0xe8 is not UTF-8
config --dataset twice --conf CONF -> is there twice
data make colour --conf CONF --workspace WS -> without quotes is a comment
run --dataset folder --conf CONF --workspace WS -> it is a folder
# comparisons
compare -> nothing to compare
compare vae --dataset toy --workspace WS -> nothing to compare
compare vae vae --dataset toy --workspace WS -> given twice
compare vae ddpm --workspace WS -> no file or folder vae
compare vae ddpm --dataset toy --workspace WS -> no evaluated run vae
compare vae:x ddpm --dataset toy --workspace WS -> no evaluated run vae:x
compare /nowhere/a.json FILE --workspace WS -> there is no /nowhere/a.json
compare FOLDER WS --workspace WS -> there are no results
compare a/b c/d --dataset toy --workspace WS -> there is no a/b
# overrides
run --dataset toy training.batchsize=3 --workspace WS -> did you mean 'training.batch_size'
run --dataset toy training.batch_size --workspace WS -> cannot read 'training.batch_size'
run --dataset toy training.batch_size 32 --workspace WS -> cannot read 'training.batch_size'
run --dataset toy training.batch_size = 32 --workspace WS -> cannot read 'training.batch_size'
run --dataset toy --training.batch_size=32 --workspace WS -> '--training.batch_size'
run --dataset toy =3 --workspace WS -> cannot read '=3'
run --dataset toy "" --workspace WS -> cannot read ''
run --dataset toy training.batch_size=32,64 --workspace WS -> takes one value
run --dataset toy "training.batch_size=range(1,4)" --workspace WS -> takes one value
run --dataset toy "training.lr=choice(1e-3,1e-4)" --workspace WS -> takes one value
run --dataset toy "training.lr=interval(0,1)" --workspace WS -> takes one value
run --dataset toy "training.precision=glob(*)" --workspace WS -> training.precision must be
run --dataset toy "training.batch_size=glob(*)" --workspace WS -> takes one value
run --dataset toy training.batch_size= --workspace WS -> has no value
run --dataset toy training.batch_size=many --workspace WS -> training.batch_size must be
run --dataset toy training.batch_size=0 --workspace WS -> training.batch_size must be
run --dataset toy training.batch_size=-3 --workspace WS -> training.batch_size must be
run --dataset toy training.batch_size=1.5 --workspace WS -> training.batch_size must be
run --dataset toy training.batch_size=1_000 --workspace WS -> training.batch_size must be
run --dataset toy training.batch_size=[1 --workspace WS -> A list is written
run --dataset toy training.batch_size={ --workspace WS -> A list is written
run --dataset toy training.batch_size=[1] --workspace WS -> training.batch_size must be
run --dataset toy training.batch_size=null --workspace WS -> training.batch_size must be
run --dataset toy training.compile=yes --workspace WS -> training.compile must be
run --dataset toy training.lr=inf --workspace WS -> training.lr must be
run --dataset toy training.lr=nan --workspace WS -> training.lr must be
run --dataset toy training.lr=1,5 --workspace WS -> takes one value
run --dataset toy "training.lr=${training.ema_decay}" --workspace WS -> refers to another key
run --dataset toy training.epochs=3 training.steps=3 --workspace WS -> are both given
run --dataset toy vae:training.epochs=3 vae:training.steps=3 --models vae --workspace WS -> are both given
run --dataset toy training=5 --workspace WS -> training must be
run --dataset toy training.lr.x=5 --workspace WS -> unknown configuration key
run --dataset toy ~training.lr --workspace WS -> cannot be removed
run --dataset toy ~nothing --workspace WS -> unknown configuration key 'nothing'
run --dataset toy ~training --workspace WS -> cannot be removed
run --dataset toy +training.foo=3 --workspace WS -> unknown key training.foo
run --dataset toy ++training.foo=3 --workspace WS -> unknown key training.foo
run --dataset toy +experiment=fast --workspace WS -> unknown experiment 'fast'
run --dataset toy experiment=a,b --workspace WS -> unknown experiment 'a,b'
run --dataset toy ~experiment --workspace WS -> removes nothing
run --dataset toy dataset=epure --workspace WS -> Use --dataset
run --dataset toy dataset.name=other --workspace WS -> Use --dataset
run --dataset toy model=vae --workspace WS -> Use --dataset
run --dataset toy profile=quick,full --workspace WS -> Use --dataset
run --dataset toy dataset@x=toy --workspace WS -> unknown configuration key
run --dataset toy dataset/common=mammograms --workspace WS -> unknown configuration key
run --dataset toy hydra.run.dir=/tmp --workspace WS -> unknown configuration key
run --dataset toy hydra/launcher=joblib --workspace WS -> unknown configuration key
run --dataset toy study.seeds=0,1 --workspace WS -> takes a list
run --dataset toy study.seeds=3 --workspace WS -> study.seeds must be
run --dataset toy study.seeds.0=3 --workspace WS -> unknown configuration key
run --dataset toy study.seeds[0]=3 --workspace WS -> cannot read
run --dataset toy profile.branch=../elsewhere --workspace WS -> a folder inside the workspace
run --dataset toy profile.branch=/tmp --workspace WS -> a folder inside the workspace
run --dataset toy --models vae dataset.conditions=colour --workspace WS -> no condition set 'colour'
run --dataset toy --models vae dataset.conditions= --workspace WS -> no condition set ''
run --dataset toy dataset.private=false --workspace WS -> would let private data out
run --dataset toy ~dataset.private --workspace WS -> would let private data out
run --dataset toy ddmp:training.lr=1e-3 --workspace WS -> did you mean 'ddpm'
run --dataset toy vae:training.lr --workspace WS -> cannot read
run --dataset toy --models vae ddpm:training.lr=1e-3 --workspace WS -> not among the chosen models
run --dataset toy training.Batch_Size=3 --workspace WS -> did you mean 'training.batch_size'
run --dataset toy training..lr=3 --workspace WS -> unknown configuration key
run --dataset toy трейнинг.lr=3 --workspace WS -> unknown configuration key
config --dataset toy training.batchsize=3 -> did you mean 'training.batch_size'
verify --dataset toy --wait --workspace WS -> '--wait'
data make toy dataset.reader.count=5,6 --workspace WS -> takes one value
data make toy model --workspace WS -> cannot read 'model'
report --dataset toy training.batchsize=3 --workspace MADE -> did you mean 'training.batch_size'
"""
