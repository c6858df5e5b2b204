/** How many bytes of an upload had certainly passed at which time. Two sources of the same curve. */

/** Payload that had passed by `seconds` on the monotonic clock. */
export type Mark = { seconds: number; bytes: number }

export type PieceCurve = {
  /** A request of a stream was answered. */
  add: (stream: number, from: number, to: number, bytes: number) => void
  /** The curve as far as it is final, in steps of 50 ms. */
  marks: () => readonly Mark[]
}

const stepSeconds = 0.05

/**
 * From the answers to requests. An answer comes in a lump at the end of its request; each is spread evenly over the time
 * of its request, which leaves the mean as it is and takes the lumps out of short bins.
 */
export function createPieceCurve(streams: number, begun: number): PieceCurve {
  type Piece = { from: number; to: number; bytes: number }
  const pieces: Piece[][] = Array.from({ length: streams }, () => [])
  const marks: Mark[] = [{ seconds: begun, bytes: 0 }]
  const partOf = ({ from, to, bytes }: Piece, at: number) =>
    at >= to ? bytes : at <= from ? 0 : (bytes * (at - from)) / (to - from)
  const bytesAt = (at: number) => pieces.flat().reduce((sum, piece) => sum + partOf(piece, at), 0)
  return {
    add(stream, from, to, bytes) {
      pieces[stream]?.push({ from, to, bytes })
    },
    marks() {
      // Final is what no answer still to come can change: up to the oldest of the streams' last answers.
      const until = Math.min(...pieces.map((list) => list.at(-1)?.to ?? begun))
      for (;;) {
        const seconds = begun + marks.length * stepSeconds
        if (seconds > until) return marks
        marks.push({ seconds, bytes: bytesAt(seconds) })
      }
    },
  }
}

export type ProgressCurve = {
  /** The testpoint said, between `asked` and `answered` here, what it had received by `seconds` on its own clock. */
  add: (seconds: number, bytes: number, asked: number, answered: number) => void
  marks: () => readonly Mark[]
}

/**
 * From what the testpoint itself counts. Its clock gives the distances between marks, exactly; the fastest answer tells
 * how it stands to ours, to half its round trip.
 */
export function createProgressCurve(): ProgressCurve {
  const said: Mark[] = []
  let offset = 0
  let fastest = Number.POSITIVE_INFINITY
  return {
    add(seconds, bytes, asked, answered) {
      if (answered - asked < fastest) {
        fastest = answered - asked
        offset = (asked + answered) / 2 - seconds
      }
      const last = said.at(-1)
      // Answers on two connections may overtake each other.
      if (last === undefined || (seconds > last.seconds && bytes >= last.bytes)) said.push({ seconds, bytes })
    },
    marks: () => said.map(({ seconds, bytes }) => ({ seconds: seconds + offset, bytes })),
  }
}
