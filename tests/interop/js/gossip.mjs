// A js-libp2p node of the gossip cases; ../README.md describes its commands.
//   gossip.mjs gossip ADDRESS nosign|sign
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const TOPIC = 'interop'
const TAG = 'micro/gossip/message/v1'

// What micro calls a message: SHA-256 of tag, length of topic, topic and data, cut to 20 bytes.
function contentId (message) {
  const topic = Buffer.from(message.topic)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(topic.length)
  return createHash('sha256').update(TAG).update(length).update(topic).update(message.data).digest().subarray(0, 20)
}

const [address, policy] = process.argv.slice(3)
const signing = policy === 'sign'
  ? { globalSignaturePolicy: 'StrictSign' }
  : { globalSignaturePolicy: 'StrictNoSign', msgIdFn: contentId }
const node = await createLibp2p({
  privateKey: await generateKeyPair('Ed25519'),
  addresses: { listen: [address] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  connectionManager: { inboundConnectionThreshold: 100_000, maxIncomingPendingConnections: 1_000 },
  connectionGater: { denyDialMultiaddr: () => false },
  services: { identify: identify(), pubsub: gossipsub({ ...signing, allowPublishToZeroTopicPeers: true }) }
})
const { pubsub } = node.services
pubsub.addEventListener('message', event => {
  const said = Buffer.from(event.detail.data).toString()
  console.log(`got ${said.split('.')[0]} ${said.length}`)
})
pubsub.subscribe(TOPIC)
console.log(`ready ${node.getMultiaddrs()[0].toString()}`)
const text = error => error.message.replaceAll('\n', ' ')
createInterface({ input: process.stdin }).on('line', line => {
  const [command, first, second] = line.split(' ')
  if (command === 'dial') {
    node.dial(multiaddr(first)).then(() => console.log('done'), error => console.log(`failed ${text(error)}`))
  }
  if (command === 'publish') {
    pubsub.publish(TOPIC, Buffer.from(second.padEnd(Number(first), '.'))).catch(error => console.log(`wrong ${text(error)}`))
  }
}).on('close', () => process.exit(0))
