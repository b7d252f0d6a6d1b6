// Which compiler this machine has, as a hash that two machines with the same packages share.
#pragma once

#include <string>

#include "chain/base/fixed_bytes.hpp"
#include "chain/base/result.hpp"
#include "services/build/detect/plan.hpp"

namespace micro {

struct Toolchain {
  Hash hash;
  std::string summary;  ///< "clang 19.1.7", "go1.26.8"
  std::string go_root;  ///< only for Go
};

/// Hashes the compiler, linker, libraries and headers of the language. The first time takes up to some seconds; the
/// hash is then kept in `cache_dir`/toolchains under the sizes and times of all files. `go` is the path of the go
/// program, or "" to look in PATH and in `cache_dir`. Errors: kNotFound with the packages to install, kIo.
Result<Toolchain> find_toolchain(Language language, const std::string& go, const std::string& cache_dir);

}  // namespace micro
