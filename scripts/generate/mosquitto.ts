/**
 * deploy/mosquitto: who may use which topic (from core/topics.ts), and a hardened configuration (reference: docs/operations.md).
 * test/deploy/mosquitto.test.ts runs a Mosquitto with these very files.
 */
import { maxSentBytes } from '../../core/batch.ts'
import { maxAckBytes, maxSliceBytes } from '../../core/status.ts'
import { collectorUser, rights } from '../../core/topics.ts'
import { district } from '../config/district.ts'

/** The district of the examples; another one is a matter of search and replace. */
const districtId = (district.values['district'] as { id: string }).id
/** The largest payload, its topic and header. */
const maxPacketBytes = Math.max(maxSentBytes, maxSliceBytes, maxAckBytes) + 4096

export async function outputs(): Promise<Map<string, string>> {
  return new Map([
    ['deploy/mosquitto/acl', acl()],
    ['deploy/mosquitto/linkbell.conf', configuration],
  ])
}

function acl(): string {
  const lines = (kind: 'topic' | 'pattern', user: string) => {
    const { write, read } = rights(districtId, user)
    return [...write.map((topic) => `${kind} write ${topic}`), ...read.map((topic) => `${kind} read ${topic}`)]
  }
  return `# Who may use which topic. Generated from core/topics.ts; for your district replace ${districtId} by its id.

user ${collectorUser}
${lines('topic', collectorUser).join('\n')}

# Everybody else is an agent: %u is its user name, which is its id. It must be the only level that tells agents apart: a
# free level beside it would let one school write under another. The last line has no %u; Mosquitto says so in its log.
${lines('pattern', '%u').join('\n')}
`
}

const folder = '/etc/mosquitto/linkbell'
const configuration = `# Mosquitto for Linkbell. Generated; copy it to /etc/mosquitto/conf.d/linkbell.conf. It is read from Debian's
# /etc/mosquitto/mosquitto.conf, which sets persistence_location and the log. docs/operations.md says how the files in
# ${folder} are made; the user mosquitto must be able to read them.

# With it, what a listener allows stands below that listener.
per_listener_settings true

# Agents. The name in the certificate is the agent's id, its user name and its client id: none can take another's.
listener 8883
cafile ${folder}/ca.crt
certfile ${folder}/server.crt
keyfile ${folder}/server.key
crlfile ${folder}/ca.crl
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
allow_zero_length_clientid false
acl_file ${folder}/acl
# Five times the agents of a district of 400. The service needs LimitNOFILE above it.
max_connections 2000

# Collectors on this host.
listener 1883 127.0.0.1
allow_anonymous false
allow_zero_length_clientid false
password_file ${folder}/passwords
acl_file ${folder}/acl
max_connections 32

# Above the largest message of the protocol; it also limits what a client may send before it is known.
max_packet_size ${maxPacketBytes}
# What may be under way to a collector; the default of 20 would be the ceiling of its rate.
max_inflight_messages 200
# Past these limits the broker drops without a word. The agents keep everything until a collector has stored it.
max_queued_messages 20000
max_queued_bytes 268435456
memory_limit 1073741824
max_keepalive 120
persistent_client_expiration 1d
set_tcp_nodelay true
# For retained statuses only.
autosave_interval 60
`
