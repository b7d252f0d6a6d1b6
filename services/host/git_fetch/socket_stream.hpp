// The sockets that libgit2 uses here, under its TLS too: a name is resolved, each of its addresses is judged, and the
// one that is allowed is the one that is connected to. Looking the name up beforehand would not do: the second answer
// could differ from the first.
#pragma once

#include <string>

#include "chain/base/result.hpp"
#include "services/host/git_fetch/address.hpp"

namespace micro::git {

/// For this process, which fetches from one host. Connections to another host are to the proxy that the machine's owner
/// chose, and are not judged: redirects are not followed.
Status use_judged_sockets(const std::string& url, AddressRule rule);

/// The address to which a connection was refused by the rule, or "".
const std::string& refused_address();

}  // namespace micro::git
