// The least that a Node program which listens can be: what exec -> ready and idle memory are compared with.
const net = require('node:net')
const server = net.createServer((socket) => socket.destroy())
server.listen(0, '127.0.0.1', () => console.log(`ready 127.0.0.1:${server.address().port}`))
