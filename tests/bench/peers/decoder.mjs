// Frames a second of @stomp/stompjs: `node decoder.mjs FRAMES ROUNDS`, the frame on standard input.

import { readFileSync } from 'node:fs'

import { FrameImpl, Parser } from '@stomp/stompjs'

const [frames, rounds] = process.argv.slice(2).map(Number)
const message = readFileSync(0)

const round = () => {
  let texts = 0
  // As Client does with each message of a WebSocket.
  const parser = new Parser(
    (raw) => {
      const frame = FrameImpl.fromRawFrame(raw, true)
      const { subscription, 'message-id': id, destination } = frame.headers
      texts += Number(Boolean(subscription && id && destination && frame.body))
    },
    () => {},
  )
  const began = process.hrtime.bigint()
  for (let index = 0; index < frames; index += 1) parser.parseChunk(message, true)
  const seconds = Number(process.hrtime.bigint() - began) / 1e9
  if (texts !== frames) throw new Error(`${texts} of ${frames} frames`)
  return frames / seconds
}

// The first rounds run before the code is optimised.
for (let warm = 0; warm < 3; warm += 1) round()
console.log(JSON.stringify(Array.from({ length: rounds }, round)))
