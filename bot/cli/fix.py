from bot.cli.command import Command, FINE
COMMAND = Command("fix","x",lambda p: None, lambda o: FINE)
