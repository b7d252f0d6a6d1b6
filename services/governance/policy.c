// The placement policy: which hosts run which version. Compiled to wasm, named by its hash in the genesis, run by every
// validator at every epoch boundary, replayed by whoever wants to check a decision. Integers only, no imports, fixed
// memory.
//
// Input and output are the Borsh encodings of PolicyInput and PolicyOutput (chain/governance/policy_abi.hpp). The
// policy sees indices and rounded features, never names. What it may not do (too much churn, full hosts, untrue
// reasons) the kernel refuses: then the whole output is discarded.
//
// The rule: a version that is wanted and funded runs on `replicas` hosts of distinct clusters, each the one among its
// candidates that is least loaded with it. Placements on hosts that leave are replaced before they are drained. Then,
// within the churn cap, replicas move from hosts a quarter above the mean load to hosts below it; a version that was
// just placed or drained for another reason stays where it is until the next epoch.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define MAX_HOSTS 4096u
#define MAX_VERSIONS 4096u
#define MAX_LIST 32u
#define MAX_DECISIONS 8192u
#define MAX_INPUT_BYTES (2u << 20)
#define MAX_REPLICAS 16u
#define DECISION_BYTES 11u
#define PPM 1000000u

enum { PLACE = 0, DRAIN = 1 };
enum { FIRST_PLACEMENT = 1, REPAIR = 2, REBALANCED = 3, UNFUNDED = 4, EXPIRED = 5, HOST_LEAVING = 6 };

typedef struct {
  u32 cluster;
  u8 log2_memory;
  u8 leaving;
  u32 used_ppm;
} Host;

typedef struct {
  u8 log2_memory;
  u8 funded;
  u8 wanted;
  u8 replicas;
  u32 placed_count;
  u32 placed[MAX_LIST];
  u32 candidate_count;
  u32 candidates[MAX_LIST];
  u8 changed;  // decided on in this run: a host is named once a version, or the kernel refuses the output
} Version;

static u8 input[MAX_INPUT_BYTES];
static u8 output[1 + 4 + MAX_DECISIONS * DECISION_BYTES];
static u32 output_size;
static u32 decision_count;
static Host hosts[MAX_HOSTS];
static u32 host_count;
static Version versions[MAX_VERSIONS];
static u32 version_count;
static u32 churn_cap;

// --- reading ---
static const u8* cursor;
static const u8* end;

static u64 read_le(u32 bytes) {
  u64 value = 0;
  if ((u32)(end - cursor) < bytes) __builtin_trap();
  for (u32 i = 0; i < bytes; ++i) value |= (u64)cursor[i] << (8 * i);
  cursor += bytes;
  return value;
}
static u32 read_count(u32 most) {
  const u32 count = (u32)read_le(4);
  if (count > most) __builtin_trap();
  return count;
}
static void skip(u32 bytes) {
  if ((u32)(end - cursor) < bytes) __builtin_trap();
  cursor += bytes;
}
static u32 read_indices(u32* out) {
  const u32 count = read_count(MAX_LIST);
  for (u32 i = 0; i < count; ++i) {
    out[i] = (u32)read_le(4);
    if (out[i] >= host_count) __builtin_trap();
  }
  return count;
}

static void read_input(u32 size) {
  cursor = input;
  end = input + size;
  if (read_le(1) != 1) __builtin_trap();  // ABI version
  skip(4);                                // epoch
  skip(32);                               // randomness: this policy needs none, ties go to the better candidate
  churn_cap = (u32)read_le(4);
  host_count = read_count(MAX_HOSTS);
  for (u32 i = 0; i < host_count; ++i) {
    skip(16);  // pseudonym
    hosts[i].cluster = (u32)read_le(4);
    hosts[i].log2_memory = (u8)read_le(1);
    skip(1);  // processors: memory is what runs out first
    hosts[i].used_ppm = (u32)read_le(4);
    hosts[i].leaving = (u8)read_le(1);
  }
  version_count = read_count(MAX_VERSIONS);
  for (u32 i = 0; i < version_count; ++i) {
    Version* v = &versions[i];
    skip(16);
    v->log2_memory = (u8)read_le(1);
    v->funded = (u8)read_le(1);
    v->wanted = (u8)read_le(1);
    v->replicas = (u8)read_le(1);
    v->placed_count = read_indices(v->placed);
    v->candidate_count = read_indices(v->candidates);
    v->changed = 0;
  }
  if (cursor != end) __builtin_trap();
}

// --- writing ---
static void write_le(u64 value, u32 bytes) {
  for (u32 i = 0; i < bytes; ++i) output[output_size++] = (u8)(value >> (8 * i));
}
/// Whether the output still holds `more` decisions. What belongs together is begun only then, since half of it would
/// be a fault; the rest waits for the next epoch.
static int has_room(u32 more) {
  return decision_count + more <= MAX_DECISIONS;
}
static void decide_one(u8 kind, u32 version, u32 host, u16 reason) {
  if (!has_room(1)) __builtin_trap();
  write_le(kind, 1);
  write_le(version, 4);
  write_le(host, 4);
  write_le(reason, 2);
  ++decision_count;
}

// --- load ---
/// Share of the host's memory that one replica takes, in ppm, rounded up; above 10⁶ when it does not fit at all.
static u32 share_ppm(const Version* v, const Host* h) {
  if (v->log2_memory > h->log2_memory) return PPM + 1;
  const u32 shift = h->log2_memory - v->log2_memory;
  return shift >= 20 ? 1 : (PPM + (1u << shift) - 1) >> shift;
}
static int fits(const Version* v, const Host* h) {
  return (u64)h->used_ppm + share_ppm(v, h) <= PPM;
}
static int holds(const Version* v, u32 host) {
  for (u32 i = 0; i < v->placed_count; ++i) {
    if (v->placed[i] == host) return 1;
  }
  return 0;
}
static int cluster_taken(const Version* v, u32 cluster) {
  for (u32 i = 0; i < v->placed_count; ++i) {
    const Host* h = &hosts[v->placed[i]];
    if (!h->leaving && h->cluster == cluster) return 1;
  }
  return 0;
}

/// Candidate that fits, in a cluster of its own, and is least loaded with it; host_count when there is none.
static u32 best_candidate(const Version* v) {
  u32 best = host_count;
  u32 best_load = 0;
  for (u32 i = 0; i < v->candidate_count; ++i) {
    const u32 at = v->candidates[i];
    const Host* h = &hosts[at];
    if (h->leaving || holds(v, at) || cluster_taken(v, h->cluster) || !fits(v, h)) continue;
    const u32 load = h->used_ppm + share_ppm(v, h);
    if (best != host_count && load >= best_load) continue;
    best = at;
    best_load = load;
  }
  return best;
}

static void place(u32 version, u32 host, u16 reason) {
  Version* v = &versions[version];
  decide_one(PLACE, version, host, reason);
  v->changed = 1;
  hosts[host].used_ppm += share_ppm(v, &hosts[host]);
  if (v->placed_count < MAX_LIST) v->placed[v->placed_count++] = host;
}
static void drain(u32 version, u32 slot, u16 reason) {
  Version* v = &versions[version];
  const u32 host = v->placed[slot];
  decide_one(DRAIN, version, host, reason);
  v->changed = 1;
  const u32 share = share_ppm(v, &hosts[host]);
  hosts[host].used_ppm -= share < hosts[host].used_ppm ? share : hosts[host].used_ppm;
  v->placed[slot] = v->placed[--v->placed_count];
}

// --- rules ---
static void settle(u32 version) {
  Version* v = &versions[version];
  if (!v->wanted || !v->funded) {
    while (v->placed_count > 0) drain(version, v->placed_count - 1, v->funded ? EXPIRED : UNFUNDED);
    return;
  }
  const u16 reason = v->placed_count == 0 ? FIRST_PLACEMENT : REPAIR;
  u32 staying = 0;
  for (u32 i = 0; i < v->placed_count; ++i) staying += !hosts[v->placed[i]].leaving;
  while (staying < v->replicas) {
    const u32 host = best_candidate(v);
    if (host == host_count) break;
    place(version, host, reason);
    ++staying;
  }
  // A host that leaves is let go only when somebody else serves: until then it drains on its own schedule.
  for (u32 i = v->placed_count; i-- > 0 && staying > 0;) {
    if (hosts[v->placed[i]].leaving) drain(version, i, HOST_LEAVING);
  }
}

static u32 mean_load(void) {
  u64 sum = 0;
  u32 staying = 0;
  for (u32 i = 0; i < host_count; ++i) {
    if (hosts[i].leaving) continue;
    sum += hosts[i].used_ppm;
    ++staying;
  }
  return staying == 0 ? 0 : (u32)(sum / staying);
}

static void rebalance(void) {
  const u32 mean = mean_load();
  const u32 high = mean + mean / 4;
  u32 moves = 0;
  for (u32 i = 0; i < version_count && moves < churn_cap && has_room(2); ++i) {
    Version* v = &versions[i];
    if (v->changed || !v->wanted || !v->funded || v->placed_count != v->replicas) continue;
    for (u32 slot = 0; slot < v->placed_count; ++slot) {
      Host* from = &hosts[v->placed[slot]];
      if (from->leaving || from->used_ppm <= high) continue;
      const u32 to = best_candidate(v);
      // Only a move that leaves the new host no more loaded than the old one was: otherwise it would come back.
      if (to == host_count || hosts[to].used_ppm + share_ppm(v, &hosts[to]) > mean) continue;
      place(i, to, REBALANCED);
      drain(i, slot, REBALANCED);
      ++moves;
      break;
    }
  }
}

// --- exports ---
/// Where the caller writes an input of `size` bytes; zero when it is too large.
__attribute__((export_name("input_buffer"))) u32 input_buffer(u32 size) {
  return size <= MAX_INPUT_BYTES ? (u32)(__UINTPTR_TYPE__)input : 0;
}

/// Decides on the input of `size` bytes at `address`, which input_buffer gave. Returns address ‖ length of the output;
/// traps on a malformed input.
__attribute__((export_name("decide"))) u64 decide(u32 address, u32 size) {
  if (address != (u32)(__UINTPTR_TYPE__)input || size > MAX_INPUT_BYTES) __builtin_trap();
  read_input(size);
  output_size = 0;
  decision_count = 0;
  write_le(1, 1);
  write_le(0, 4);
  for (u32 i = 0; i < version_count && has_room(MAX_REPLICAS + MAX_LIST); ++i) settle(i);
  rebalance();
  for (u32 i = 0; i < 4; ++i) output[1 + i] = (u8)(decision_count >> (8 * i));
  return (u64)(u32)(__UINTPTR_TYPE__)output << 32 | output_size;
}

// The compiler may ask for these even without a library.
void* memcpy(void* to, const void* from, __SIZE_TYPE__ size) {
  u8* t = to;
  const u8* f = from;
  for (__SIZE_TYPE__ i = 0; i < size; ++i) t[i] = f[i];
  return to;
}
void* memset(void* to, int value, __SIZE_TYPE__ size) {
  u8* t = to;
  for (__SIZE_TYPE__ i = 0; i < size; ++i) t[i] = (u8)value;
  return to;
}
