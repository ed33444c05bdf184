"""The U-Net and the coder keep shapes, see what they are told and no hidden pixel."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from epuredgm.core.spec import Component, DataSpec
from epuredgm.nn.bank import ComponentDecoder, ComponentEncoder
from epuredgm.nn.blocks import Attention, ResidualBlock, group_norm
from epuredgm.nn.coder import Decoder, Encoder
from epuredgm.nn.evidence import Evidence
from epuredgm.nn.layers import DecoderLayers, EncoderLayers, UNetLayers
from epuredgm.nn.unet import UNet

ENCODER = EncoderLayers(patch=2, widths=[16, 32], blocks=1, features=12)
DECODER = DecoderLayers(patch=2, widths=[16, 32], blocks=1)


def make_spec(components: int) -> DataSpec:
    parts = tuple(Component(f"part_{k}", "part", "#000000") for k in range(components))
    return DataSpec("made_up", 16, 8, parts, ())


def awaken(network: nn.Module) -> None:
    """Random weights everywhere, also where the layers start at zero."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))


def make_unet(components: int, attention: bool = True) -> UNet:
    return UNet(
        (16, 8),
        2 * components,
        components + 1,
        components,
        context=8,
        layers=UNetLayers(patch=2, widths=[16, 32], blocks=2, attention=attention),
    )


def look(network: UNet, x_t: Tensor, context: Tensor, evidence: Evidence) -> Tensor:
    return network(evidence.beside(x_t), context, evidence.given)


@pytest.mark.parametrize("components", [1, 3, 5])
@pytest.mark.parametrize("attention", [True, False])
def test_the_unet_gives_logits_of_the_image_size(components: int, attention: bool) -> None:
    network = make_unet(components, attention)
    x_t = torch.randn(2, components, 16, 8)
    logits = look(network, x_t, torch.randn(2, 8), Evidence.none((2, components, 16, 8), x_t.device))
    assert logits.shape == (2, components + 1, 16, 8)


def test_the_unet_sees_context_values_and_flags_but_no_noise_in_given_channels() -> None:
    network = make_unet(3)
    awaken(network)
    x_t, context = torch.randn(1, 3, 16, 8), torch.randn(1, 8)
    given = torch.tensor([[True, False, False]])
    evidence = Evidence.of(torch.rand(1, 3, 16, 8), given)
    result = look(network, x_t, context, evidence)
    assert not torch.equal(result, look(network, x_t, context + 1, evidence))
    assert not torch.equal(result, look(network, x_t, context, Evidence(evidence.values.flip(2), given)))
    assert not torch.equal(result, look(network, x_t, context, Evidence(evidence.values, ~given)))
    other = x_t.clone()
    other[:, 0] = torch.randn(16, 8)
    assert torch.equal(result, look(network, other, context, evidence))


def test_rows_of_a_batch_do_not_influence_each_other() -> None:
    network = make_unet(2)
    awaken(network)
    x_t, context = torch.randn(3, 2, 16, 8), torch.randn(3, 8)
    evidence = Evidence.of(torch.rand(3, 2, 16, 8), torch.rand(3, 2) < 0.5)
    together = look(network, x_t, context, evidence)
    alone = look(network, x_t[1:2], context[1:2], Evidence(evidence.values[1:2], evidence.given[1:2]))
    torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("components", [1, 3, 5])
def test_the_coder_goes_from_evidence_to_features_to_logits(components: int) -> None:
    encoder = Encoder((16, 8), components, components, context=8, layers=ENCODER)
    decoder = Decoder((16, 8), components, context=8, layers=DECODER)
    images, context = torch.rand(2, components, 16, 8), torch.randn(2, 8)
    flags = torch.ones(2, components)
    assert encoder(images, context, flags).shape == (2, 12)
    nothing = torch.zeros_like(images)
    assert not torch.equal(encoder(nothing, context, flags), encoder(nothing, context, 1 - flags))
    assert decoder(context).shape == (2, components, 16, 8)


def test_blocks_start_as_the_identity() -> None:
    x, context = torch.randn(2, 16, 4, 4), torch.randn(2, 8)
    assert torch.equal(ResidualBlock(16, 16, 8)(x, context), x)
    assert torch.equal(Attention(16)(x), x)


def test_attention_is_softmax_attention_over_positions() -> None:
    layer = Attention(32, head=16)
    awaken(layer)
    x = torch.randn(2, 32, 3, 2)
    mixed = layer.mix(layer.norm(x)).flatten(2)
    query, key, value = mixed.view(2, 3, 2, 16, 6).unbind(1)
    weights = (torch.einsum("bhcq,bhck->bhqk", query, key) / 4).softmax(-1)
    heads = torch.einsum("bhqk,bhck->bhcq", weights, value).reshape(2, 32, 3, 2)
    torch.testing.assert_close(layer(x), x + layer.out(heads), rtol=1e-4, atol=1e-5)


def test_any_width_can_be_normalised() -> None:
    assert group_norm(48).num_groups == 3
    assert group_norm(20).num_groups == 1


@pytest.mark.parametrize("components", [1, 3, 5])
def test_a_component_bank_treats_each_component_by_itself_and_knows_which_it_is(components: int) -> None:
    encoder = ComponentEncoder(make_spec(components), context=8, layers=ENCODER)
    decoder = ComponentDecoder(make_spec(components), 4, context=8, layers=DECODER)
    for network, result, given in (
        (encoder, (2, components, 12), torch.rand(2, components, 16, 8)),
        (decoder, (2, components, 16, 8), torch.randn(2, components, 4)),
    ):
        awaken(network)
        context = torch.randn(2, 8)
        whole = network(given, context)
        assert whole.shape == result
        other = given.clone()
        other[:, 0] += 1
        changed = network(other, context)
        assert not torch.equal(changed[:, 0], whole[:, 0])
        torch.testing.assert_close(changed[:, 1:], whole[:, 1:], rtol=1e-4, atol=1e-5)
        same = network(given[:, :1].expand_as(given), context)
        assert not any(torch.allclose(same[:, 0], same[:, k]) for k in range(1, components))
        assert not torch.equal(network(given, context + 1), whole)
