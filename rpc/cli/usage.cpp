#include "rpc/cli/usage.hpp"

#include <algorithm>

namespace micro {

namespace {

constexpr std::size_t kNearEnough = 3;

std::vector<std::string> names_below(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  return names;
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

/// Options of this command and of those above it.
const CLI::Option* find_option(const CLI::App* app, const std::string& name) {
  for (; app != nullptr; app = app->get_parent()) {
    if (const CLI::Option* option = app->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

bool takes_next_word(const CLI::App* app, const std::string& argument) {
  if (argument.find('=') != std::string::npos) return false;
  const CLI::Option* option = find_option(app, argument);
  return option != nullptr && option->get_items_expected_max() > 0;
}

/// "--timeout" of "--timeout=3s".
std::string option_name(const std::string& argument) {
  return argument.substr(0, argument.find('='));
}

const CLI::App* child_of(const CLI::App* app, const std::string& word) {
  for (const CLI::App* sub : app->get_subcommands([](const CLI::App*) { return true; })) {
    if (sub->get_name() == word) return sub;
  }
  return nullptr;
}

void collect(const CLI::App& app, const std::string& prefix,
             std::vector<std::pair<std::string, const CLI::App*>>& out) {
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string name = prefix + sub->get_name();
    out.emplace_back(name, sub);
    collect(*sub, name + " ", out);
  }
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replace});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

std::optional<std::string> nearest_word(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kLongestWord = 64;
  if (word.size() > kLongestWord) return std::nullopt;
  std::optional<std::string> best;
  std::size_t least = std::min(kNearEnough, std::max<std::size_t>(word.size() / 2, 1)) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

Status check_command_words(const CLI::App& app, const std::vector<std::string>& arguments) {
  const CLI::App* at = &app;
  bool wants_help = false;
  std::string path = "micro";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") break;
    if (argument == "-h" || argument == "--help") wants_help = true;
    if (argument.starts_with('-') && argument.size() > 1) {
      if (takes_next_word(at, argument)) ++i;
      continue;
    }
    const CLI::App* next = child_of(at, argument);
    if (next != nullptr) {
      at = next;
      path += " " + argument;
      continue;
    }
    const auto known = names_below(*at);
    const bool has_positionals = !at->get_options([](const CLI::Option* o) { return o->get_positional(); }).empty();
    if (known.empty() || has_positionals) return {};
    const auto near = nearest_word(argument, known);
    return fail(Fault::kInvalid, "\"" + path + "\" has no command \"" + argument.substr(0, 60) + "\"",
                near ? "did you mean `" + path + " " + *near + "`?" : "its commands are: " + join(known));
  }
  if (wants_help) return {};
  // A group that does something by itself has options of its own besides help.
  const auto known = names_below(*at);
  const bool is_group = !known.empty() && at->get_options().size() <= 1;
  if (is_group && at != &app) return fail(Fault::kInvalid, "say what: " + join(known), "see `" + path + " --help`");
  return {};
}

namespace {

/// Calls `on_option(command, argument)` for each option; returns the last command that was named.
template <class OnOption>
const CLI::App* walk(const CLI::App& app, const std::vector<std::string>& arguments, OnOption on_option) {
  const CLI::App* at = &app;
  for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    if (arguments[i].starts_with('-') && arguments[i].size() > 1) {
      on_option(at, arguments[i]);
      if (takes_next_word(at, arguments[i])) ++i;
    } else if (const CLI::App* next = child_of(at, arguments[i])) {
      at = next;
    } else if (at != &app) {
      continue;  // an argument of the command
    }
  }
  return at;
}

}  // namespace

std::string command_path(const CLI::App& app, const std::vector<std::string>& arguments) {
  std::string path;
  const CLI::App* at = walk(app, arguments, [](const CLI::App*, const std::string&) {});
  for (; at != nullptr && at != &app; at = at->get_parent()) path = " " + at->get_name() + path;
  return "micro" + path;
}

std::optional<std::string> nearest_option(const CLI::App& app, const std::vector<std::string>& arguments) {
  std::optional<std::string> near;
  walk(app, arguments, [&](const CLI::App* at, const std::string& argument) {
    const std::string name = option_name(argument);
    if (near || find_option(at, name) != nullptr || name == "-h" || name == "--help") return;
    std::vector<std::string> known;
    for (const CLI::App* up = at; up != nullptr; up = up->get_parent()) {
      for (const CLI::Option* option : up->get_options()) {
        for (const std::string& word : option->get_lnames()) known.push_back("--" + word);
      }
    }
    near = nearest_word(name, known);
  });
  return near;
}

std::vector<std::pair<std::string, const CLI::App*>> all_commands(const CLI::App& app) {
  std::vector<std::pair<std::string, const CLI::App*>> out;
  collect(app, "", out);
  return out;
}

}  // namespace micro
