"""What people look at: montages, HTML pages, plots."""
