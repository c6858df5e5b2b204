/** What devices and agents there are. Stands alone: the page of the board is checked with it, and knows no Node. */
export const terminalKinds = ['panel', 'pc', 'projector', 'printer', 'ap', 'switch', 'camera', 'server'] as const
export type TerminalKind = (typeof terminalKinds)[number]

/** Of an agent, in its own file and in the registry. */
export const agentRoles = ['gateway', 'terminal'] as const
export type AgentRole = (typeof agentRoles)[number]
