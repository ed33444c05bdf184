"""What stands on paper beside charts: words, tables, designs; and how pages are filled."""
