// As much of a Gotify server as its tray program asks for: no applications, no messages, and a stream.
// Prints its port, and `connected` for each program that listens to the stream.

import { createServer } from 'node:http'

import { WebSocketServer } from 'ws'

const answers = {
  '/application': [],
  '/message': { messages: [], paging: { limit: 100, since: 0, size: 0 } },
}

const server = createServer((request, response) => {
  const answer = answers[new URL(request.url, 'http://localhost').pathname]
  response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answer ?? {}))
})
new WebSocketServer({ server }).on('connection', () => console.log(JSON.stringify({ event: 'connected' })))
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ event: 'ready', port: server.address().port })))
