from bot.cli.command import Command, FINE
COMMAND = Command("scout","x",lambda p: None, lambda o: FINE)
