// A plan and the git child's answer: the two Borsh types of the build.
#include "services/build/detect/plan.hpp"
#include "services/host/git_fetch/wire.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {

bool fuzz(ByteView input) {
  const bool plan = fuzz_decode<BuildPlan>(input);
  const bool answer = fuzz_decode<git::Answer>(input);
  const bool job = fuzz_decode<git::Job>(input);
  return plan || answer || job;
}

std::vector<Bytes> fuzz_seeds() {
  git::Fetched fetched;
  fetched.subject = Text<4 * git::kMaxSubjectBytes>("Say hello");
  git::Failure failure;
  failure.message = Text<git::kMaxMessageBytes>("no");
  return {encode(make_plan(Language::kC, {"main.c", "a.c"}, "main")), encode(make_plan(Language::kGo, {}, ".")),
          encode(git::Answer(fetched)), encode(git::Answer(failure)), encode(git::Job{})};
}

}  // namespace micro::test
