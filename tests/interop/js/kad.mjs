// A node of the Kademlia cases; ../kad.py says what to do on its input.
//   kad.mjs kad ADDRESS
import { createInterface } from 'node:readline'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify, identifyPush } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'

const SEARCH_MS = 60_000

const node = await createLibp2p({
  privateKey: await generateKeyPair('Ed25519'),
  addresses: { listen: [process.argv[3]] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  connectionManager: { inboundConnectionThreshold: 100_000, maxIncomingPendingConnections: 1_000 },
  connectionGater: { denyDialMultiaddr: () => false },
  services: {
    identify: identify(),
    identifyPush: identifyPush(),
    ping: ping(),
    dht: kadDHT({ protocol: '/micro/kad/1.0.0', clientMode: false, peerInfoMapper: passthroughMapper, allowQueryWithZeroPeers: true })
  }
})

async function run (words) {
  const signal = AbortSignal.timeout(SEARCH_MS)
  if (words[0] === 'table') return String(node.services.dht.routingTable.size)
  if (words[0] === 'connect') {
    await node.dial(multiaddr(words[1]), { signal })
    return ''
  }
  if (words[0] === 'find') {
    const found = await node.peerRouting.findPeer(peerIdFromString(words[1]), { signal, useCache: false })
    return found.multiaddrs.map(address => address.toString()).join(',')
  }
  const content = CID.createV1(0x55, Digest.decode(Buffer.from(words[1], 'hex')))
  if (words[0] === 'provide') {
    await node.contentRouting.provide(content, { signal })
    return ''
  }
  const who = []
  for await (const provider of node.contentRouting.findProviders(content, { signal })) {
    who.push(provider.id.toString())
    break
  }
  return who.sort().join(',')
}

console.log(`ready ${node.getMultiaddrs()[0].toString()}`)
for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(`done ${await run(line.split(' '))}`)
  } catch (error) {
    console.log(`failed ${error.message.replaceAll('\n', ' ')}`)
  }
}
process.exit(0)
