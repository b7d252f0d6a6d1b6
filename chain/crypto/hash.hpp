// BLAKE2b-256 (RFC 7693) under a domain tag, and SHA-256 (FIPS 180-4) for artefacts that other tools hash too.
#pragma once

#include <initializer_list>

#include "chain/base/fixed_bytes.hpp"
#include "chain/crypto/domains.hpp"

namespace micro {

/// BLAKE2b-256(u8 length of tag ‖ tag ‖ parts…). Parts are concatenated: at most one of variable length a call.
Hash tagged_hash(domain::Tag tag, std::initializer_list<ByteView> parts);
inline Hash tagged_hash(domain::Tag tag, ByteView bytes) { return tagged_hash(tag, {bytes}); }

/// Plain BLAKE2b-256 without a tag: only for paths of the state trie, which hold no meaning of their own.
Hash blake2b_256(ByteView bytes);

Hash sha256(ByteView bytes);
/// Keyed BLAKE2b-256, for seeds that only the key's holder can predict.
Hash keyed_hash(const Hash& key, domain::Tag tag, ByteView bytes);

}  // namespace micro
