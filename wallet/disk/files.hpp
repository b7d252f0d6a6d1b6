// Small private files that are whole or absent, whenever the power goes.
#pragma once

#include <filesystem>

#include "chain/base/bytes.hpp"

namespace micro {

/// "cannot open /path: No such file or directory", with a fault that fits errno (kNotFound, kDenied, else kIo).
std::unexpected<Error> fail_with_errno(std::string_view doing, const std::filesystem::path& path);

/// Creates the folder and its parents for the owner only (0700). An existing folder is left as it is.
Status make_private_folder(const std::filesystem::path& folder);

/// kNotFound when there is none, kLimit when it is longer than `max_bytes`.
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t max_bytes);

/// The file is readable by its owner alone, for keys; kDenied says how to repair it.
Status check_private(const std::filesystem::path& path);

enum class IfPresent : std::uint8_t { kReplace, kRefuse };

/// Writes beside the file, syncs, renames over it, syncs the folder; mode 0600. After a crash the old file or the new
/// one is there, never a part. One writer at a time (hold a FileLock). kRejected when it exists and must not.
Status write_file_durably(const std::filesystem::path& path, ByteView bytes, IfPresent if_present);

/// Makes creations, renames and removals in the folder durable.
Status sync_folder(const std::filesystem::path& folder);

}  // namespace micro
