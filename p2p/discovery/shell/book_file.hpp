// The address book's file: written beside and renamed, so that a crash leaves the old one or the new one.
#pragma once

#include <filesystem>

#include "p2p/discovery/address_book.hpp"

namespace micro::p2p {

/// Whether there was one. A damaged one is set aside as `….damaged` and reported as kCorrupt; the book is as it was.
Result<bool> load_book(AddressBook& book, const std::filesystem::path& path, const Hash& network, Instant now,
                       TimeMs wall);
/// Readable by its owner only. kIo: the old file stands.
Status save_book(const AddressBook& book, const std::filesystem::path& path, const Hash& network, Instant now,
                 TimeMs wall);

}  // namespace micro::p2p
