// Base64 (RFC 4648 §4, with padding) for bytes inside JSON and HTTP headers.
#pragma once

#include "chain/base/bytes.hpp"

namespace micro {

std::string to_base64(ByteView bytes);
/// One text for one value: white space, missing padding and non-zero spare bits are kInvalid.
Result<Bytes> from_base64(std::string_view text);

}  // namespace micro
