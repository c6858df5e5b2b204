/** The parts of npm `ping` below its process handling; the package types only its front door. */
type PingArguments = {
  min_reply?: number
  v6?: boolean
  packetSize?: number
  timeout?: number | false
  extra?: string[]
}
declare module 'ping/lib/builder/factory.js' {
  const factory: {
    getExecutablePath: (platform: string, v6: boolean) => string
    createBuilder: (platform: string) => { getCommandArguments: (target: string, config: PingArguments) => string[] }
  }
  export default factory
}
declare module 'ping/lib/parser/factory.js' {
  const factory: {
    createParser: (
      address: string,
      platform: string,
      config: PingArguments,
    ) => { eat: (line: string) => unknown; getResult: () => { times?: unknown[] } }
  }
  export default factory
}
