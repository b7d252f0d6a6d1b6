// The part of DNS that a seed needs (RFC 1035, with the larger answers of RFC 6891): a question for TXT records and its
// answer, as bytes.
#pragma once

#include <vector>

#include "chain/base/bytes.hpp"

namespace micro::p2p {

inline constexpr std::size_t kMaxDnsAnswerBytes = 4'096;
inline constexpr std::size_t kMaxDnsNameBytes = 253;
inline constexpr std::size_t kMaxDnsRecords = 256;  ///< looked at in an answer
inline constexpr std::size_t kMaxTxtBytes = 2'048;  ///< of one record

/// kInvalid for what is no name.
Result<Bytes> txt_question(std::uint16_t id, std::string_view name);

/// The texts, each record's strings joined. kInvalid for no answer to this question, kNotFound where there is no such
/// name, kUnreachable where the server could not find out, kLimit for an answer that was cut off.
Result<std::vector<std::string>> txt_answer(std::uint16_t id, std::string_view name, ByteView message);

}  // namespace micro::p2p
