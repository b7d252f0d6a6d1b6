#include <cstdlib>

#include "rpc/api/methods.hpp"
#include "rpc/cli/app.hpp"
#include "rpc/cli/groups.hpp"
#include "rpc/cli/usage.hpp"
#include "rpc/paths/paths.hpp"

namespace micro {

namespace {

/// Commands before settings: who asks for help looks for what there is to do.
class CommandsFirst : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    return make_description(app) + make_usage(app, std::move(name)) + make_positionals(app) +
           make_subcommands(app, mode) + make_groups(app, mode) + "\n" + make_footer(app);
  }
};

struct HelpOptions {
  std::vector<std::string> words;
};

Json option_json(const CLI::Option& option) {
  return Json{{"name", option.get_positional() ? option.get_name(true) : option.get_name(false, true)},
              {"required", option.get_required()},
              {"description", option.get_description()}};
}

Json command_json(const std::string& name, const CLI::App& command) {
  Json options = Json::array();
  for (const CLI::Option* option : command.get_options()) options.push_back(option_json(*option));
  return Json{{"name", name}, {"description", command.get_description()}, {"options", std::move(options)}};
}

void add_globals(CLI::App& app, Context& context) {
  for (const GlobalSetting& setting : kGlobalSettings) {
    std::string name = "--" + std::string(setting.key);
    std::ranges::replace(name, '_', '-');
    if (setting.key == "quiet") name = "-q," + name;
    if (setting.key == "verbose") name = "-v," + name;
    if (setting.key == "yes") name = "-y," + name;
    const auto apply = [&context, key = setting.key](const std::string& value) {
      if (auto set = set_global(context.globals, key, value); !set) {
        // lint-ok throws: how a callback tells CLI11 that a value is wrong
        throw CLI::ValidationError(set.error().message + (set.error().hint.empty() ? "" : "; " + set.error().hint));
      }
    };
    const std::string help = std::string(setting.help) + " [" + std::string(setting.variable) + "]";
    if (setting.is_flag) {
      app.add_flag_callback(name, [apply] { apply("true"); }, help)->group("Everywhere");
    } else {
      app.add_option_function<std::string>(name, apply, help)
          ->type_name(std::string(setting.placeholder))
          ->group("Everywhere");
    }
  }
}

Status show_version(Context& context, const NoOptions&) {
  if (context.out.json()) {
    context.out.document(Json{{"version", MICRO_VERSION}});
  } else {
    context.out.line("micro " MICRO_VERSION);
  }
  return {};
}

void add_help(CLI::App& app, Context& context) {
  auto kept = std::make_shared<HelpOptions>();  // the parser writes it, the action reads it later
  CLI::App* help = app.add_subcommand("help", "what a command does and takes");
  help->add_option("command", kept->words, "like: wallet send");
  help->callback([&app, &context, kept] {
    context.action = [&app, &context, kept]() -> Result<int> {
      std::vector<std::string> words = kept->words;
      words.emplace_back("--help");  // which a group has too
      TRY(check_command_words(app, words));
      const CLI::App* at = &app;
      std::string path;
      for (const std::string& word : kept->words) {
        at = at->get_subcommand(word);
        path += (path.empty() ? "" : " ") + word;
      }
      if (!context.out.json()) {
        context.out.raw(help_text(*at));
        return 0;
      }
      Json commands = Json::array();
      for (const auto& [name, command] : all_commands(app)) {
        if (name == path || path.empty() || name.starts_with(path + " "))
          commands.push_back(command_json(name, *command));
      }
      context.out.document(Json{{"commands", std::move(commands)}});
      return 0;
    };
  });
}

/// What CLI11 says about words it could not use, as one of our errors.
Error usage_error(const CLI::App& app, const std::vector<std::string>& arguments, const CLI::ParseError& error) {
  std::string message = error.what();
  if (const std::size_t newline = message.find('\n'); newline != std::string::npos) message.resize(newline);
  const std::string path = command_path(app, arguments);
  if (const auto near = nearest_option(app, arguments)) {
    return Error{Fault::kInvalid, message, "did you mean " + *near + "? see `" + path + " --help`"};
  }
  return Error{Fault::kInvalid, message, "see `" + path + " --help`"};
}

Result<int> run_action(const Context& context) {
  try {
    return context.action();
  } catch (const std::exception& e) {  // nothing of ours throws; a library below might
    return fail(Fault::kInternal, e.what());
  }
}

}  // namespace

void build_app(CLI::App& app, Context& context) {
  app.name("micro");
  app.description("micro: services that run, pay and prove themselves on a ledger of their own");
  app.footer("Settings that every command takes, and exit codes: micro help");  // what commands inherit
  app.fallthrough();
  app.require_subcommand(0, 1);
  app.formatter(std::make_shared<CommandsFirst>());  // subcommands inherit it
  app.get_formatter()->column_width(34);
  app.set_version_flag("--version", "micro " MICRO_VERSION, "version of this program");
  add_globals(app, context);
  add_node_commands(app, context);
  add_run_commands(app, context);
  add_call_commands(app, context);
  add_service_commands(app, context);
  add_wallet_commands(app, context);
  add_stake_commands(app, context);
  add_audit_commands(app, context);
  add_network_commands(app, context);
  NoOptions* none = nullptr;
  add_command(app, context, "version", "version of this program", show_version, none);
  add_help(app, context);
  app.footer(
      "A first look: micro demo. A network to play with: micro dev. More about one command: micro help wallet send.\n\n"
      "Exit codes: 0 ok, 1 internal, 2 usage, 3 node unreachable, 4 not found, 5 locked or denied, 6 funds or price "
      "cap,\n"
      "7 refused by the ledger, 8 outcome unknown (look before doing it again), 9 refused by governance, 10 "
      "verification\n"
      "mismatch, 130 interrupted.");
}

std::string help_text(const CLI::App& command) {
  std::string path;
  for (const CLI::App* up = command.get_parent(); up != nullptr; up = up->get_parent())
    path = up->get_name() + (path.empty() ? "" : " ") + path;
  // Not `help`: where a command was parsed already, that is the help of the parsed one.
  const std::string name = (path.empty() ? "" : path + " ") + command.get_name();
  return command.get_formatter()->make_help(&command, name, CLI::AppFormatMode::Normal);
}

int run_command_line(const std::vector<std::string>& arguments, const NodeCommands& nodes, const ConfigFiles& files,
                     EnvironmentReader environment) {
  Globals globals;
  const Status loaded = load_globals(globals, files, environment);
  Context context(nodes, globals);
  const auto refuse = [&](const Error& error) {
    context.out.error(error);
    return exit_code(error.fault);
  };
  if (std::ranges::find(arguments, "--json") != arguments.end()) context.globals.json = true;
  if (!loaded) return refuse(loaded.error());
  CLI::App app;
  build_app(app, context);
  if (const auto words = check_command_words(app, arguments); !words) return refuse(words.error());
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForVersion&) {
    return show_version(context, NoOptions{}) ? 0 : exit_code(Fault::kInternal);
  } catch (const CLI::CallForHelp&) {
    const CLI::App* at = &app;
    while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
    context.out.raw(help_text(*at));
    return 0;
  } catch (const CLI::ParseError& e) {
    return refuse(usage_error(app, arguments, e));
  }
  if (!context.action) {
    context.out.raw(help_text(app));
    return 0;
  }
  const auto result = run_action(context);
  if (std::fflush(stdout) != 0 && result) return refuse(Error{Fault::kIo, "the output could not be written", {}});
  return result ? *result : refuse(result.error());
}

int cli_main(int argc, char** argv, const NodeCommands& nodes) {
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  const ConfigFiles files{"/etc/micro/config.toml", default_config_dir() / "config.toml", "micro.toml"};
  return run_command_line(arguments, nodes, files, [](const char* name) -> const char* { return std::getenv(name); });
}

}  // namespace micro
