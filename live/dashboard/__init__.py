"""The performer's screen, in the main process.

Beside the grid's and the tracks' names in `model.music` it imports only `live.ipc.messages`,
`live.ipc.commands`, `live.ipc.snapshot`, `live.settings.knobs` and `live.errors`: it draws what crosses
the link and knows no engine.
"""
