/** The parts of npm `net-snmp` that are used; the package has no types. */
declare module 'net-snmp' {
  export type Varbind = { oid: string; type: number; value: unknown }
  type User = {
    name: string
    level: number
    authProtocol?: number
    authKey?: string
    privProtocol?: number
    privKey?: string
  }
  type Options = {
    version: number
    port: number
    timeout: number
    retries: number
    transport: 'udp4' | 'udp6'
    context?: string
    idBitsSize?: 16 | 32
    backwardsGetNexts?: boolean
    dgramModule?: { createSocket: (transport: 'udp4' | 'udp6') => unknown }
  }
  export type Session = {
    get: (oids: string[], callback: (error: Error | null, varbinds?: Varbind[]) => void) => void
    getNext: (oids: string[], callback: (error: Error | null, varbinds?: Varbind[]) => void) => void
    getBulk: (
      oids: string[],
      nonRepeaters: number,
      maxRepetitions: number,
      callback: (error: Error | null, varbinds?: Varbind[][]) => void,
    ) => void
    cancelRequests: (error: Error) => void
    close: () => void
    on: (event: 'error', listener: (error: Error) => void) => void
  }
  const snmp: {
    Version1: number
    Version2c: number
    Version3: number
    SecurityLevel: { noAuthNoPriv: number; authNoPriv: number; authPriv: number }
    AuthProtocols: Record<string, number>
    PrivProtocols: Record<string, number>
    RequestTimedOutError: new () => Error
    ResponseInvalidError: new () => Error & { code: number }
    RequestFailedError: new () => Error & { status: number }
    createSession: (target: string, community: string, options: Options) => Session
    createV3Session: (target: string, user: User, options: Options) => Session
  }
  export default snmp
}
