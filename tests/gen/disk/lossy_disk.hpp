// A disk in memory that knows what is synced. Files are bytes that folders name: syncing a file makes its bytes last
// but not its name, syncing a folder makes the names in it last. When the power goes, what was not synced is gone,
// there, or there in part.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "chain/base/bytes.hpp"

namespace micro::test {

class LossyDisk {
 public:
  enum class Io : std::uint8_t {
    kOk,
    kMissing,  ///< there is no such name
    kFailed,   ///< no power, or a sync that was told to fail
  };

  /// What a name leads to. Only the disk looks into it.
  struct File {
    Bytes bytes;
    std::size_t synced = 0;  ///< so many of the first ones are on the platter
    struct Patch {
      std::size_t at;
      Bytes before;
    };
    std::vector<Patch> patches;  ///< overwritten since the last sync, the oldest first
    bool stuck = false;          ///< a sync failed: what waited then never gets there, whatever later ones say
  };
  using FilePtr = std::shared_ptr<File>;

  // Each of these is a step of the machine.
  Io make_folder(const std::string& path);
  Io create(const std::string& path, FilePtr& out);
  Io append(File& file, ByteView bytes);
  Io overwrite(File& file, std::size_t at, ByteView bytes);
  Io truncate(File& file, std::size_t size);
  Io rename(const std::string& from, const std::string& to);
  Io link(const std::string& from, const std::string& to);
  Io remove(const std::string& path);
  Io sync(const std::string& path, File& file);
  Io sync_folder(const std::string& path);

  // Looking is no step.
  Io find(const std::string& path, FilePtr& out) const;
  [[nodiscard]] bool is_folder(const std::string& path) const;
  Io list(const std::string& folder, std::vector<std::string>& out) const;
  [[nodiscard]] std::size_t size(const File& file) const;
  /// Up to `n` bytes from `at` on.
  Io read(const File& file, std::size_t at, std::size_t n, char* out, std::size_t& got) const;
  [[nodiscard]] std::size_t links(const File& file) const;

  // --- what breaks ---
  /// The power goes instead of the n-th step from now, from 1; 0: not.
  void cut_at(std::size_t step);
  /// …now.
  void cut();
  [[nodiscard]] bool has_power() const;
  [[nodiscard]] std::size_t steps() const;
  /// The n-th sync from now fails, from 1; 0: none.
  void fail_sync_at(std::size_t sync);
  /// Whether one did since the last call.
  bool sync_failed();
  /// Syncs of files whose path ends so, or with "/" of folders, do nothing: what a program that forgets them would get.
  void ignore_syncs_of(std::string ending);

  struct Lost {
    std::size_t gone = 0;   ///< files of whose unsynced bytes none are left
    std::size_t torn = 0;   ///< …some are
    std::size_t names = 0;  ///< files made, renamed or removed, and the folder does not know
  };
  /// Uniform below its argument.
  using Draw = std::function<std::uint64_t(std::uint64_t)>;
  /// Dies, loses what the draws say, and has power again. No file may be open.
  Lost lose_power(const Draw& draw);

  /// What is on the platter for certain, by path.
  using Image = std::map<std::string, Bytes>;
  [[nodiscard]] Image image() const;
  /// The files of an image and no others, all synced.
  void restore(const Image& image);
  /// Of all names and lengths, as they are and as they are synced, without those files that differ from run to run.
  [[nodiscard]] std::uint64_t digest() const;

 private:
  struct NameChange {
    std::string gone;  ///< may be empty
    std::string name;  ///< may be empty
    FilePtr file;      ///< that `name` leads to
  };
  struct Folder {
    std::map<std::string, FilePtr> now;
    std::map<std::string, FilePtr> synced;
    std::vector<NameChange> waiting;
  };
  bool step();
  bool sync_fails();
  static void apply(std::map<std::string, FilePtr>& names, const NameChange& change);
  void change(Folder& folder, NameChange change);
  Folder* folder_of(const std::string& path, std::string& name);
  static void tear(File& file, const Draw& draw, Lost& lost);

  mutable std::mutex mutex_;
  std::map<std::string, Folder> folders_;
  bool power_ = true;
  std::size_t steps_ = 0;
  std::optional<std::size_t> cut_at_;   ///< by `steps_`
  std::optional<std::size_t> fail_in_;  ///< syncs
  bool sync_failed_ = false;
  std::string ignored_;
};

}  // namespace micro::test
