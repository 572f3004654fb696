// SPDX-License-Identifier: Apache-2.0
#include "tests/soak/client.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "tests/support/temporary_folder.h"

namespace hob::soak {
namespace {

constexpr int32_t kHalf = Question::kTokens / 2;

// Of this soak: memory is short on purpose, and there are more clients than requests.
bool Expected(hob_status status) { return status == HOB_RESOURCE_EXHAUSTED; }

// Of a damaged file, which may be any but a fault of hob's own.
bool Refusal(hob_status status) { return status != HOB_UNKNOWN && status != HOB_INTERNAL; }

}  // namespace

Site::Site(Runtime& runtime_in_use, Answers& right_answers, std::string scratch_folder)
    : runtime(runtime_in_use), answers(right_answers), folder(std::move(scratch_folder)) {
  for (const std::string& path : answers.paths()) {
    models.push_back(std::make_shared<const Model>(Model::Open(runtime, path).value()));
  }
  draft = std::make_shared<const Model>(Model::Open(runtime, answers.paths()[0]).value());
}

std::shared_ptr<const Model> Site::Current(size_t model) {
  const std::lock_guard lock(mutex);
  return models[model];
}

void Site::Reload(size_t model) {
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.copy_file = reloads % 2 == 0 ? 1 : 0;
  auto opened =
      std::make_shared<const Model>(Model::Open(runtime, answers.paths()[model], options).value());
  ++reloads;
  const std::lock_guard lock(mutex);
  models[model] = std::move(opened);
}

void Site::Close() {
  models.clear();
  draft.reset();
}

void Site::Fail(const std::string& what) {
  const std::lock_guard lock(mutex);
  failures.push_back(what);
  stop = true;
}

void Client::Run() {
  while (!site_.stop) {
    try {
      Act();
    } catch (const Exception& exception) {
      const Error& error = exception.error();
      ++site_.errors[static_cast<size_t>(std::clamp(error.code(), 0, 16))];
      if (!Expected(error.code())) site_.Fail(error.ToString());
      // As an app does that was told to try again.
      std::this_thread::sleep_for(std::chrono::milliseconds(1 + Below(10)));
    } catch (const std::exception& exception) {
      site_.Fail(exception.what());
    }
  }
}

void Client::Act() {
  const uint32_t action = Below(100);
  if (action < 40) return Ask();
  if (action < 60) return Cancel();
  if (action < 72) return SaveAndRestore();
  if (action < 82) return Fork();
  if (action < 88) return OpenDamaged();
  if (action < 94) return RestoreDamaged();
  if (action < 97) return AskTooMuch();
  site_.Reload(Below(static_cast<uint32_t>(site_.answers.paths().size())));
}

Question Client::Draw() {
  return {.model = Below(static_cast<uint32_t>(site_.answers.paths().size())),
          .prompt = Below(Question::kPrompts),
          .kind = Below(Question::kKinds)};
}

Session Client::Begin(const Question& question) {
  const hob_sampler_options sampler = question.Sampler();
  hob_session_options options = question.Session(sampler);
  options.speculate = static_cast<uint8_t>(Below(2));  // which changes no answer
  const std::shared_ptr<const Model> model = site_.Current(question.model);
  if (question.model == 0 && Below(4) == 0) options.draft = site_.draft->get();
  Session session = Session::Create(*model, options).value();
  session.AddTokens(question.Tokens()).value();
  ++site_.requests;
  return session;
}

void Client::Generate(Session& session, int32_t tokens) {
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = tokens;
  options.ignore_eos = 1;
  options.priority = static_cast<int32_t>(Below(3)) - 1;
  switch (Below(3)) {
    case 0:
      session.Generate(options).value();
      break;
    case 1: {
      TokenStream stream = session.Stream(options);
      for (std::string_view text; stream.Next(&text);) {
        if (Below(20) == 0) std::this_thread::yield();
      }
      stream.Finish().value();
      break;
    }
    default:
      session.Start(options).value();
      while (session.Poll(static_cast<int32_t>(Below(3)) - 1).value().kind != HOB_POLL_END) {
      }
  }
}

void Client::Check(const Session& session, const Question& question, int32_t tokens,
                   const char* where) {
  const std::vector<int32_t>& right = site_.answers.Of(question);
  const TokenView all = session.Tokens();
  const size_t prompt = question.Tokens().size();
  const size_t got = all.size() - prompt;
  const bool whole = tokens < 0 ? got <= right.size() : got == static_cast<size_t>(tokens);
  if (!whole || !std::equal(all.begin() + prompt, all.end(), right.begin())) {
    return site_.Fail(std::string(where) + ": a wrong answer (" + question.Name() + ", client " +
                      std::to_string(number_) + ")");
  }
  site_.tokens += got;
  ++site_.checked;
}

void Client::Ask() {
  const Question question = Draw();
  Session session = Begin(question);
  Generate(session, Question::kTokens);
  Check(session, question, Question::kTokens, "asked");
}

void Client::Cancel() {
  const Question question = Draw();
  Session session = Begin(question);
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = Question::kTokens;
  options.ignore_eos = 1;
  auto left = static_cast<int32_t>(Below(Question::kTokens));
  ++site_.cancelled;
  switch (Below(4)) {
    case 0:  // by its callback
      session.Generate([&](const hob_token&) { return left-- > 0; }, options).value();
      break;
    case 1: {  // by another thread, at any moment
      session.Start(options).value();
      const std::jthread other([&] { session.Cancel(); });
      while (session.Poll().value().kind != HOB_POLL_END) {
      }
      break;
    }
    case 2:  // by its time
      options.max_time_ms = 1 + Below(20);
      session.Generate(options).value();
      break;
    default:  // by being destroyed, while it is on its way
      session.Start(options).value();
      while (left-- > 0 && session.Poll().value().kind == HOB_POLL_TOKEN) {
      }
      return;
  }
  if (session.Tokens().size() > question.Tokens().size()) {
    Check(session, question, -1, "cancelled");
  }
}

void Client::SaveAndRestore() {
  const Question question = Draw();
  Session first = Begin(question);
  Generate(first, kHalf);
  const std::string path = site_.folder + "/session-" + std::to_string(number_);
  const bool file = Below(2) == 0;
  SavedSession saved(nullptr, 0);
  if (file) {
    first.Save(path).value();
  } else {
    saved = first.Save().value();
  }
  if (Below(2) == 0) first.Reset().value();
  ++site_.saves;
  // Of the model as it is then, which may be open anew.
  Session second = Session::Create(*site_.Current(question.model)).value();
  if (file) {
    second.Restore(path).value();
  } else {
    second.Restore(saved.data(), saved.size()).value();
  }
  Generate(second, Question::kTokens - kHalf);
  Check(second, question, Question::kTokens, "restored");
}

void Client::Fork() {
  const Question question = Draw();
  Session first = Begin(question);
  Generate(first, kHalf);
  Session second = first.Fork().value();
  ++site_.forks;
  Generate(second, Question::kTokens - kHalf);
  Check(second, question, Question::kTokens, "forked");
  Generate(first, Question::kTokens - kHalf);
  Check(first, question, Question::kTokens, "forked from");
}

void Client::OpenDamaged() {
  const auto damage = static_cast<Damage>(Below(3));
  const auto& paths = site_.answers.paths();
  const std::string path = site_.folder + "/model-" + std::to_string(number_);
  const std::string& whole = paths[Below(static_cast<uint32_t>(paths.size()))];
  test::WriteBytes(path, Damaged(test::ReadBytes(whole), damage, random_));
  ++site_.damaged;
  const Result<Model> model = Model::Open(site_.runtime, path);
  if (!model.ok()) {
    ++site_.errors[static_cast<size_t>(model.code())];
    if (!Refusal(model.code())) site_.Fail("a damaged model: " + model.error().ToString());
    return;
  }
  if (damage != Damage::kAltered) return site_.Fail("a file that is no model was opened");
  // Whatever its weights are now, it answers or says why not.
  Result<Session> session = Session::Create(*model);
  if (!session.ok() || !session->AddTokens({1, 2, 3}).ok()) return;
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 2;
  const auto done = session->Generate(options);
  if (!done.ok() && !Refusal(done.code())) site_.Fail("altered: " + done.error().ToString());
}

void Client::RestoreDamaged() {
  const Question question = Draw();
  Session session = Begin(question);
  Generate(session, kHalf);
  const SavedSession saved = session.Save().value();
  const auto* data = static_cast<const uint8_t*>(saved.data());
  const std::vector<uint8_t> bytes =
      Damaged({data, data + saved.size()}, static_cast<Damage>(Below(3)), random_);
  ++site_.damaged;
  const Result<void> restored = session.Restore(bytes.data(), bytes.size());
  ++site_.errors[static_cast<size_t>(restored.code())];
  if (restored.ok()) return site_.Fail("a damaged session was restored");
  if (!Refusal(restored.code())) site_.Fail("a damaged session: " + restored.error().ToString());
  // It goes on as if nothing had been.
  Generate(session, Question::kTokens - kHalf);
  Check(session, question, Question::kTokens, "after a refused restore");
}

void Client::AskTooMuch() {
  const Question question = Draw();
  Session session = Begin(question);
  const std::vector<int32_t> flood(100'000, 5);
  const Result<void> added = session.AddTokens(flood);
  ++site_.errors[static_cast<size_t>(added.code())];
  if (added.code() != HOB_OUT_OF_RANGE)
    site_.Fail("100,000 tokens were taken into a small context");
  const std::string text(200'000, '(');
  if (session.AddText(text).ok()) site_.Fail("200,000 brackets were taken into a small context");
  Generate(session, Question::kTokens);
  Check(session, question, Question::kTokens, "after what was too much");
}

}  // namespace hob::soak
