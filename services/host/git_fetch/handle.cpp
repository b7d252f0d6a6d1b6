#include "services/host/git_fetch/handle.hpp"

#include "services/host/process/lines.hpp"

namespace micro::git {

std::string last_error() {
  const git_error* error = git_error_last();
  return error == nullptr || error->message == nullptr ? "no reason given" : escape_line(error->message);
}

std::unexpected<Error> git_fail(Fault fault, const std::string& what, int rc) {
  const git_error* error = git_error_last();
  const int group = error == nullptr ? GIT_ERROR_NONE : error->klass;
  const bool damaged = rc == GIT_EMISMATCH || group == GIT_ERROR_ODB || group == GIT_ERROR_ZLIB ||
                       group == GIT_ERROR_OBJECT || group == GIT_ERROR_INDEXER;
  if (group == GIT_ERROR_NOMEMORY) fault = Fault::kLimit;
  return fail(damaged ? Fault::kCorrupt : fault, what + ": " + last_error());
}

}  // namespace micro::git
