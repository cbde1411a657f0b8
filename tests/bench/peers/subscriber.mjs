// A bare subscriber of @stomp/stompjs: `node subscriber.mjs URL DESTINATION`. Prints `ready`, then one
// line for each message, which it acknowledges: the message's id.

import { Client } from '@stomp/stompjs'
import WebSocket from 'ws'

const [url, destination] = process.argv.slice(2)

const client = new Client({
  webSocketFactory: () => new WebSocket(url, ['v12.stomp']),
  connectHeaders: { login: 'guest', passcode: 'guest' },
  onStompError: (frame) => {
    throw new Error(frame.headers.message)
  },
  onConnect: () => {
    const headers = { ack: 'client-individual', 'prefetch-count': '200', receipt: 'subscribed' }
    client.watchForReceipt('subscribed', () => console.log(JSON.stringify({ event: 'ready' })))
    client.subscribe(
      destination,
      (message) => {
        const { id } = JSON.parse(message.body)
        console.log(JSON.stringify({ event: 'notice', id }))
        message.ack()
      },
      headers,
    )
  },
})
client.activate()
