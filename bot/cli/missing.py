from bot.cli.command import Command, FINE
COMMAND = Command("missing","x",lambda p: None, lambda o: FINE)
