// Records what js-libp2p says with fixed keys, for tests/vectors/p2p/connection:
//   node --import ./polyfill.mjs record.mjs >js_transcript.csv
// One js dials another through a proxy that writes down each piece as "dialer|listener,hex", in the order of arrival; the
// dialer opens /golden/1.0.0, says "hello", ends, and reads the answer, which is the same backwards. Keys: seeds of 32 equal bytes.
import net from 'node:net'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { defaultCrypto } from '@libp2p/noise/crypto'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const filled = byte => new Uint8Array(32).fill(byte)
const KEYS = { dialer: [1, 2, 3], listener: [101, 102, 103] } // identity, static, ephemeral

async function makeNode ([identity, fixed, ephemeral], listen) {
  const crypto = { ...defaultCrypto, generateX25519KeyPair: () => defaultCrypto.generateX25519KeyPairFromSeed(filled(ephemeral)) }
  return await createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', filled(identity)),
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise({ staticNoiseKey: filled(fixed), crypto })],
    streamMuxers: [yamux({ enableKeepAlive: false })],
    connectionMonitor: { enabled: false },
    connectionGater: { denyDialMultiaddr: () => false }
  })
}

const readAll = async stream => {
  const parts = []
  for await (const part of stream) parts.push(Buffer.from(part.subarray()))
  return Buffer.concat(parts)
}

const listener = await makeNode(KEYS.listener, ['/ip4/127.0.0.1/tcp/0'])
await listener.handle('/golden/1.0.0', async stream => {
  const said = await readAll(stream)
  stream.send(said.reverse())
  await stream.close()
})
const port = Number(listener.getMultiaddrs()[0].toString().match(/tcp\/(\d+)/)[1])
const lines = []
const proxy = net.createServer(near => {
  const far = net.connect(port, '127.0.0.1')
  const carry = (from, to, name) => from.on('data', bytes => {
    lines.push(`${name},${bytes.toString('hex')}`)
    to.write(bytes)
  }).on('end', () => to.end()).on('error', () => to.destroy())
  carry(near, far, 'dialer')
  carry(far, near, 'listener')
})
await new Promise(resolve => proxy.listen(0, '127.0.0.1', resolve))

const dialer = await makeNode(KEYS.dialer, [])
const connection = await dialer.dial(multiaddr(`/ip4/127.0.0.1/tcp/${proxy.address().port}/p2p/${listener.peerId}`))
const stream = await connection.newStream('/golden/1.0.0')
stream.send(Buffer.from('hello'))
const [answer] = await Promise.all([readAll(stream), stream.close()])
if (answer.toString() !== 'olleh') throw new Error(`the answer is ${answer}`)
await connection.close()
console.log(lines.join('\n'))
process.exit(0)
