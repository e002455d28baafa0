"""What `scripts/demo` shows, a module each: its arguments, what is wrong with them, and the show."""
