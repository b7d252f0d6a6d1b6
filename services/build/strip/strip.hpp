// Custom sections (names, producers, debug information, build ids) say nothing to the engine and differ between
// compilers of equal code, so they are removed before a module is hashed.
#pragma once

#include "chain/base/bytes.hpp"

namespace micro {

/// The module without its custom sections (WebAssembly core specification 5.5). Only the framing is checked: magic,
/// version 1, section sizes that fit. Errors: kInvalid.
Result<Bytes> strip_custom_sections(ByteView module);

}  // namespace micro
