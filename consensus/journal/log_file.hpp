// The files below both logs: read whole, write at a place, make durable. Any fault is kIo and says at what.
#pragma once

#include <string>

#include "chain/base/bytes.hpp"
#include "chain/base/result.hpp"

namespace micro {

/// `what` and what errno says.
std::unexpected<Error> log_io_error(const std::string& what);
Result<Bytes> read_log(int file, const std::string& name);
/// Not durable before a sync.
Status write_log(int file, ByteView bytes, std::uint64_t at, const std::string& name);
/// Makes the names in a folder durable.
Status sync_log_folder(const std::string& folder);

}  // namespace micro
