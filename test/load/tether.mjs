// Imported before the entry of a child: ends with the process that has started it, in whatever way that one ends.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
