// The js-libp2p side; ../README.md describes the protocols and the lines it prints.
//   node.mjs listen|dial|bench ADDRESS Ed25519|secp256k1
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify, identifyPush } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const IDENTIFIES = 100
const ECHO_STREAMS = 64
const ECHO_BYTES = 1024 * 1024
const SLOW_BYTES = 24 * 1024 * 1024
const PERF_BYTES = 16 * 1024 * 1024
const CHUNK = 64 * 1024
const CASE_MS = 240_000
const MANY = { maxInboundStreams: 1000, maxOutboundStreams: 1000 }

// Listens from the first moment, so that nothing of a stream is missed.
class Reader {
  constructor (stream) {
    this.chunks = []
    this.ended = stream.remoteWriteStatus === 'closed'
    this.error = undefined
    this.wake = () => {}
    stream.addEventListener('message', event => { this.chunks.push(event.data.subarray()); this.wake() })
    stream.addEventListener('remoteCloseWrite', () => { this.ended = true; this.wake() })
    stream.addEventListener('close', event => { this.ended = true; this.error ??= event.error; this.wake() })
  }

  async read () {
    while (this.chunks.length === 0) {
      if (this.error != null) throw this.error
      if (this.ended) return undefined
      await new Promise(resolve => { this.wake = resolve })
    }
    return this.chunks.shift()
  }

  async readExactly (count) {
    const parts = []
    for (let have = 0; have < count;) {
      const chunk = await this.read()
      if (chunk == null) throw new Error('the stream ended too early')
      const use = chunk.subarray(0, count - have)
      if (use.length < chunk.length) this.chunks.unshift(chunk.subarray(use.length))
      parts.push(use)
      have += use.length
    }
    return Buffer.concat(parts)
  }

  async countToEnd () {
    let count = 0
    for (let chunk = await this.read(); chunk != null; chunk = await this.read()) count += chunk.length
    return count
  }
}

async function send (stream, bytes) {
  if (stream.send(bytes)) return
  await new Promise((resolve, reject) => {
    const done = () => { stream.removeEventListener('drain', done); stream.removeEventListener('close', failed); resolve() }
    const failed = event => { stream.removeEventListener('drain', done); reject(event.error ?? new Error('closed')) }
    stream.addEventListener('drain', done)
    stream.addEventListener('close', failed)
  })
}

async function sendMany (stream, count) {
  const chunk = new Uint8Array(CHUNK).fill(7)
  for (; count > 0; count -= CHUNK) await send(stream, chunk.subarray(0, Math.min(CHUNK, count)))
}

function bigEndian (value) {
  const out = Buffer.alloc(8)
  out.writeBigUInt64BE(BigInt(value))
  return out
}
const fromBigEndian = bytes => Number(Buffer.from(bytes).readBigUInt64BE())

// A condition that handlers wait for.
class Condition {
  waiters = []
  async until (test) {
    while (!test()) await new Promise(resolve => this.waiters.push(resolve))
  }

  changed () {
    for (const wake of this.waiters.splice(0)) wake()
  }
}

const state = { resets: 0, gate: false, condition: new Condition() }

function serve (node) {
  const handle = (protocol, run) => node.handle(protocol, (stream, connection) => {
    run(stream, new Reader(stream), connection).catch(() => stream.abort(new Error('failed')))
  }, MANY)
  const reply = async (stream, bytes) => { await send(stream, bytes); await stream.close() }
  const answer = async (stream, reader) => reply(stream, await reader.readExactly(1))
  handle('/test/echo/1', async (stream, reader) => {
    for (let chunk = await reader.read(); chunk != null; chunk = await reader.read()) await send(stream, chunk)
    await stream.close()
  })
  handle('/bench/echo/1', async (stream, reader) => {
    for (let chunk = await reader.read(); chunk != null; chunk = await reader.read()) await send(stream, chunk)
    await stream.close()
  })
  handle('/bench/count/1', async (stream, reader) => {
    const count = await reader.countToEnd()
    await reply(stream, Buffer.from(String(count)))
  })
  handle('/test/half-close/1', async (stream, reader) => reply(stream, bigEndian(await reader.countToEnd())))
  handle('/test/reset/1', async (stream, reader) => { await reader.readExactly(1); stream.abort(new Error('as asked')) })
  handle('/test/was-reset/1', async (stream, reader) => {
    await send(stream, await reader.readExactly(1))
    try {
      await reader.countToEnd()
    } catch {
      state.resets++
      state.condition.changed()
    }
  })
  handle('/test/resets/1', async (stream, reader) => {
    await state.condition.until(() => state.resets > 0)
    state.resets--
    await answer(stream, reader)
  })
  handle('/test/slow/1', async (stream, reader) => {
    stream.pause()
    await state.condition.until(() => state.gate)
    state.gate = false
    stream.resume()
    await reply(stream, bigEndian(await reader.countToEnd()))
  })
  handle('/test/gate/1', async (stream, reader) => {
    state.gate = true
    state.condition.changed()
    await answer(stream, reader)
  })
  const learned = new Condition()
  node.addEventListener('peer:update', () => learned.changed())
  node.addEventListener('peer:identify', () => learned.changed())
  handle('/test/pushed/1', async (stream, reader, connection) => {
    for (;;) {
      const peer = await node.peerStore.get(connection.remotePeer)
      if (peer.protocols.includes('/test/new/1')) break
      let woken = false
      learned.until(() => woken).catch(() => {})
      await new Promise(resolve => learned.waiters.push(() => { woken = true; resolve() }))
    }
    await answer(stream, reader)
  })
  handle('/perf/1.0.0', async (stream, reader) => {
    const wanted = fromBigEndian(await reader.readExactly(8))
    await reader.countToEnd()
    await sendMany(stream, wanted)
    await stream.close()
  })
}

function expect (condition, text) {
  if (!condition) throw new Error(text)
}

const open = async (connection, protocol) => {
  const stream = await connection.newStream(protocol, MANY)
  return { stream, reader: new Reader(stream) }
}

async function expectCount (reader, count) {
  const answer = fromBigEndian(await reader.readExactly(8))
  expect(answer === count, `${answer} bytes arrived`)
  expect(await reader.countToEnd() === 0, 'more than an answer')
}

async function ask (connection, protocol) {
  const { stream, reader } = await open(connection, protocol)
  await send(stream, Buffer.from('q'))
  await reader.readExactly(1)
  await stream.close()
}

const cases = {
  async ping (node, connection) {
    for (let n = 0; n < 3; n++) await node.services.ping.ping(connection.remotePeer)
  },
  async identify (node, connection) {
    // Our answer, its end and the echo of the protocol come in one flight: js must lose none.
    for (let n = 0; n < IDENTIFIES; n++) await node.services.identify.identify(connection)
    const said = await node.services.identify.identify(connection)
    expect(said.agentVersion === 'micro-interop', `agent ${said.agentVersion}`)
    expect(said.protocols.includes('/test/echo/1'), 'a protocol is missing')
    expect(said.observedAddr != null, 'no observed address')
    expect(said.signedPeerRecord != null, 'no signed record')
    expect(connection.remotePeer.equals(said.peerId), 'another peer')
  },
  async push (node, connection) {
    await node.handle('/test/new/1', stream => stream.abort(new Error('unused')))
    await ask(connection, '/test/pushed/1')
  },
  async echo (node, connection) {
    await Promise.all(Array.from({ length: ECHO_STREAMS }, async (_, number) => {
      const { stream, reader } = await open(connection, '/test/echo/1')
      const sent = Buffer.alloc(ECHO_BYTES)
      for (let at = 0; at < ECHO_BYTES; at++) sent[at] = number * 31 + at * 7 + (at >> 8)
      const writing = (async () => {
        for (let at = 0; at < ECHO_BYTES; at += CHUNK) await send(stream, sent.subarray(at, at + CHUNK))
        await stream.close()
      })()
      const back = await reader.readExactly(ECHO_BYTES)
      expect(sent.equals(back), 'an echo came back changed')
      expect(await reader.countToEnd() === 0, 'an echo is too long')
      await writing
    }))
  },
  async 'half-close' (node, connection) {
    const { stream, reader } = await open(connection, '/test/half-close/1')
    await sendMany(stream, 100_000)
    await stream.close()
    await expectCount(reader, 100_000)
  },
  async reset (node, connection) {
    const { stream, reader } = await open(connection, '/test/reset/1')
    await send(stream, Buffer.from('x'))
    const outcome = await reader.countToEnd().then(() => 'ended', () => 'reset')
    expect(outcome === 'reset', 'no reset came')
    const ours = await open(connection, '/test/was-reset/1')
    await send(ours.stream, Buffer.from('x'))
    await ours.reader.readExactly(1)
    ours.stream.abort(new Error('on purpose'))
    await ask(connection, '/test/resets/1')
  },
  async 'slow-reader' (node, connection) {
    const { stream, reader } = await open(connection, '/test/slow/1')
    let done = false
    const writing = sendMany(stream, SLOW_BYTES).then(() => { done = true })
    for (let n = 0; n < 20; n++) await node.services.ping.ping(connection.remotePeer)
    expect(!done, 'a reader that does not read took everything')
    await ask(connection, '/test/gate/1')
    await writing
    await stream.close()
    await expectCount(reader, SLOW_BYTES)
  },
  async perf (node, connection) {
    const { stream, reader } = await open(connection, '/perf/1.0.0')
    await send(stream, bigEndian(PERF_BYTES))
    await sendMany(stream, PERF_BYTES)
    await stream.close()
    const count = await reader.countToEnd()
    expect(count === PERF_BYTES, `${count} bytes came`)
  }
}

// What js-libp2p talking to itself takes, measured as tests/bench/p2p measures ours.
const MEASURE_MS = 3000
const CALL_BYTES = 64
const DIALERS = 16
const figure = (name, value) => console.log(`figure ${name} ${value.toFixed(3)}`)

async function benchBulk (connection, goOn) {
  const { stream, reader } = await open(connection, '/bench/count/1')
  const chunk = new Uint8Array(CHUNK).fill(7)
  const start = performance.now()
  let sent = 0
  for (; goOn(); sent += CHUNK) await send(stream, chunk)
  await stream.close()
  const said = []
  for (let part = await reader.read(); part != null; part = await reader.read()) said.push(part)
  expect(Buffer.concat(said).toString() === String(sent), 'another count came')
  return sent / (performance.now() - start) * 1000
}

async function benchCalls (connection, name) {
  const { stream, reader } = await open(connection, '/bench/echo/1')
  const message = new Uint8Array(CALL_BYTES)
  const took = []
  for (const start = performance.now(); performance.now() - start < MEASURE_MS;) {
    const before = performance.now()
    await send(stream, message)
    await reader.readExactly(CALL_BYTES)
    took.push((performance.now() - before) * 1000)
  }
  took.sort((a, b) => a - b)
  figure(`${name}_p50_us`, took[Math.floor(took.length / 2)])
  figure(`${name}_p99_us`, took[Math.floor(took.length * 0.99)])
  stream.abort(new Error('measured'))
}

async function benchHandshakes (address) {
  const nodes = await Promise.all(Array.from({ length: DIALERS }, async () => await makeNode([])))
  const start = performance.now()
  let done = 0
  await Promise.all(nodes.map(async node => {
    while (performance.now() - start < MEASURE_MS) {
      const connection = await node.dial(multiaddr(address))
      done++
      await connection.close()
    }
  }))
  figure('handshakes_per_s', done / (performance.now() - start) * 1000)
}

async function bench (node) {
  const connection = await node.dial(multiaddr(address))
  const start = performance.now()
  figure('bulk', await benchBulk(connection, () => performance.now() - start < MEASURE_MS))
  await benchCalls(connection, 'rpc')
  let stop = false
  const background = benchBulk(connection, () => !stop)
  await benchCalls(connection, 'rpc_under_bulk')
  stop = true
  await background
  await benchHandshakes(address)
}

const [mode, address, keyType] = process.argv.slice(2)
const makeNode = async listen => await createLibp2p({
  privateKey: await generateKeyPair(keyType),
  addresses: { listen },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  connectionManager: { inboundConnectionThreshold: 100_000, maxIncomingPendingConnections: 1_000 },
  connectionGater: { denyDialMultiaddr: () => false },
  services: { identify: identify(), identifyPush: identifyPush(), ping: ping(MANY) }
})
const node = await makeNode(mode === 'listen' ? [address] : [])
await serve(node)
if (mode === 'listen') {
  console.log(`ready ${node.getMultiaddrs()[0].toString()}`)
  process.stdin.on('end', () => process.exit(0)).resume()
} else if (mode === 'bench') {
  await bench(node)
  process.exit(0)
} else {
  const connection = await node.dial(multiaddr(address))
  for (const [name, run] of Object.entries(cases)) {
    const late = new Promise((_, reject) => {
      AbortSignal.timeout(CASE_MS).addEventListener('abort', () => reject(new Error('took too long')))
    })
    const failure = await Promise.race([run(node, connection), late]).then(() => undefined, error => error)
    console.log(`case ${name} ${failure == null ? 'ok' : 'failed: ' + failure.message.replaceAll('\n', ' ')}`)
  }
  process.exit(0)
}
