"""What people look at: pages that work without a script, and better with one."""
