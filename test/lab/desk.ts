/**
 * The duty desk, on the host of the collector: a DingTalk robot, and somebody who looks at the board. Requests come over
 * the IPC channel: `{ id, get: URL }`, or `{ id }` for what the robot has taken.
 */
import { messageOf } from '../../core/errors.ts'
import { startRobot } from '../services/robots.ts'

const robot = await startRobot('dingtalk')

process.on('message', ({ id, get }: { id: number; get?: string }) => {
  const { url, taken, complaints } = robot
  if (get === undefined) return void process.send?.({ id, answer: { url, taken, complaints } })
  fetch(get)
    .then(async (response) => process.send?.({ id, answer: (await response.json()) as unknown }))
    .catch((error: unknown) => process.send?.({ id, error: messageOf(error) }))
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
