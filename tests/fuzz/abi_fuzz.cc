// SPDX-License-Identifier: Apache-2.0
// Any sequence of calls of the C interface, with options of any content and size. A call that fails
// has an error that says why, and leaves sessions as they were; answers are the same for a session,
// its fork, and the session restored from its bytes; in the end all memory is given back.
#include "tests/fuzz/calls.h"
#include "tests/fuzz/tiny_model.h"
#include "tests/fuzz/whole_model.h"

namespace hob::fuzz {
namespace {

struct Files {
  std::string tiny, other, broken;
};
// Models as files that stay for the process.
const Files& TheFiles() {
  static const auto& files = *new Files([] {
    Files made;
    const auto write = [](const char* end, std::vector<uint8_t> bytes) {
      const std::string path = ScratchPath() + end;
      std::ofstream(path, std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
      return path;
    };
    made.tiny = write("-tiny", MakeTiny(0).Build());
    made.other = write("-other", MakeTiny(2).Build());
    std::vector<uint8_t> cut = MakeTiny(0).Build();
    cut.resize(cut.size() / 2);
    made.broken = write("-broken", cut);
    std::atexit([] {
      for (const std::string& path : {TheFiles().tiny, TheFiles().other, TheFiles().broken}) {
        std::remove(path.c_str());
      }
    });
    return made;
  }());
  return files;
}

hob_runtime* SharedRuntime() {
  static hob_runtime* const runtime = [] {
    hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
    options.threads = 1;
    options.memory_limit = 32u << 20;
    hob_runtime* made = nullptr;
    Require(hob_runtime_create(&made, &options, nullptr) == HOB_OK);
    return made;
  }();
  return runtime;
}
hob_model* SharedModel() {
  static hob_model* const model = [] {
    hob_model_options options = HOB_MODEL_OPTIONS_INIT;
    options.max_batch_rows = 8;
    options.shared_cache_tokens = -1;
    hob_model* made = nullptr;
    const std::string& path = TheFiles().tiny;
    Require(hob_model_open(&made, SharedRuntime(), path.data(), path.size(), &options, nullptr) ==
            HOB_OK);
    return made;
  }();
  return model;
}

// What can be read of a session, and all of it as bytes where it is idle.
struct State {
  explicit State(hob_session* session) {
    Require(hob_session_message_count(&messages, session, nullptr) == HOB_OK);
    const int32_t* ids = nullptr;
    size_t count = 0;
    Require(hob_session_get_tokens(&ids, &count, session, nullptr) == HOB_OK);
    tokens.assign(ids, ids + count);
    hob_string text = {};
    Require(hob_session_get_reply(&text, session, nullptr) == HOB_OK);
    reply.assign(text.data, text.size);
  }
  bool operator==(const State&) const = default;
  size_t messages = 0;
  std::vector<int32_t> tokens;
  std::string reply;
};

class Program {
 public:
  explicit Program(Input& input) : input_(input) {}

  void Run() {
    using Step = void (Program::*)();
    constexpr Step kSteps[] = {
        &Program::CreateRuntime,  &Program::OpenModel,     &Program::CreateSession,
        &Program::AddMessage,     &Program::AddText,       &Program::AddTokens,
        &Program::Generate,       &Program::GenerateTwice, &Program::Start,
        &Program::Poll,           &Program::Cancel,        &Program::Fork,
        &Program::SaveRestore,    &Program::RestoreAny,    &Program::SetSampler,
        &Program::KeepMessages,   &Program::Reset,         &Program::ReadSession,
        &Program::Destroy,        &Program::ModelTexts,    &Program::UseTokenizer,
        &Program::UseDetokenizer, &Program::UseSampler,    &Program::UseTemplate,
        &Program::Matrix,         &Program::Evaluate,      &Program::Nulls,
        &Program::CreateSession,  &Program::AddTokens,     &Program::Generate,
        &Program::AddText,        &Program::Poll};
    for (int steps = 0; steps < 24 && !input_.empty(); ++steps) {
      (this->*kSteps[input_.Byte() % std::size(kSteps)])();
    }
  }

 private:
  hob_model* AnyModel() {
    hob_model* model = models_.Any(input_);
    return model != nullptr || input_.Byte() >= 250 ? model : SharedModel();
  }
  hob_sampler_options AnySampler() {
    hob_sampler_options options = HOB_SAMPLER_OPTIONS_INIT;
    const uint8_t kind = input_.Byte();
    if (kind & 1) options.temperature = static_cast<float>(input_.Real());
    if (kind & 2) options.top_k = static_cast<int32_t>(input_.Integer());
    if (kind & 4) options.top_p = input_.Byte() / 200.0f;
    if (kind & 8) options.repetition_penalty = input_.Byte() / 100.0f;
    if (kind & 16) options.seed = input_.Byte();
    if (kind & 32) options.min_p = input_.Byte() / 250.0f;
    if (kind & 64) options.repetition_window = static_cast<int32_t>(input_.Integer());
    return options;
  }

  // `call` may fail, but then without a trace.
  template <typename F>
  bool Changes(hob_session* session, F&& change) {
    if (session == nullptr) {
      Call call;
      Require(!call(change(call)));
      return false;
    }
    const State before(session);
    Call call;
    const bool done = call(change(call));
    if (!done) Require(State(session) == before);
    return done;
  }

  void CreateRuntime() {
    hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
    options.threads = input_.Byte() % 4 + (input_.Byte() == 255 ? 100'000u : 0u);
    options.memory_limit = static_cast<uint64_t>(input_.Range(0, 1000)) << 10;
    options.max_requests = input_.Byte();
    if (input_.Byte() >= 250) options.abi_version = input_.Raw<uint32_t>();
    if (input_.Byte() >= 250) options.reserved = 1;
    const Options<hob_runtime_options> some(input_, options);
    if (some.get() == nullptr || options.threads == 0) return;  // threads as the machine has
    hob_runtime* runtime = nullptr;
    Call call;
    if (call(hob_runtime_create(&runtime, some.get(), call))) runtimes_.Add(runtime, 2);
  }

  void OpenModel() {
    hob_model_options options = HOB_MODEL_OPTIONS_INIT;
    const uint8_t kind = input_.Byte();
    options.max_batch_rows = 1 + input_.Byte() % 16;
    if (kind >= 250) options.max_batch_rows = static_cast<uint32_t>(input_.Range(0, 9000));
    options.activations = static_cast<hob_activations>(kind / 2 % 3);
    options.kv_type = static_cast<hob_kv_type>(kind / 8 % 3);
    options.vocabulary_only = kind >= 240;
    options.shared_cache_tokens = static_cast<int32_t>(input_.Range(-2, 200));
    if (kind & 64) {
      options.rope_scaling = static_cast<hob_rope_scaling>(input_.Byte() % 8);
      options.rope_factor = input_.Real();
      options.rope_original_context = static_cast<uint32_t>(input_.Integer());
    }
    static int32_t progress_calls = 0;
    options.progress = [](void* user, uint64_t done, uint64_t total) {
      Require(done <= total);
      return static_cast<int32_t>(++*static_cast<int32_t*>(user) == 7);
    };
    progress_calls = input_.Byte() % 8 == 0 ? 0 : 100;
    options.progress_user = &progress_calls;
    const Options<hob_model_options> some(input_, options);
    const Files& files = TheFiles();
    std::string path = kind % 16 == 15 ? files.broken : kind & 32 ? files.other : files.tiny;
    if (input_.Byte() >= 224) path = std::string(input_.Text(40));  // any name at all
    if (input_.Byte() >= 250) path = std::filesystem::path(files.tiny).parent_path();
    hob_runtime* runtime = runtimes_.Any(input_);
    if (runtime == nullptr && input_.Byte() < 250) runtime = SharedRuntime();
    hob_model_plan_info plan = HOB_MODEL_PLAN_INFO_INIT;
    Call told;
    const bool planned =
        told(hob_model_plan(&plan, runtime, path.data(), path.size(), some.get(), told));
    hob_model* model = nullptr;
    Call call;
    if (call(hob_model_open(&model, runtime, path.data(), path.size(), some.get(), call))) {
      Require(planned);
      models_.Add(model, 3);
    } else {
      Require(model == nullptr);
    }
  }

  void CreateSession() {
    hob_session_options options = HOB_SESSION_OPTIONS_INIT;
    const hob_sampler_options sampler = AnySampler();
    const uint8_t kind = input_.Byte();
    if (kind & 1) options.sampler = &sampler;
    if (kind & 2) options.context_tokens = static_cast<int32_t>(input_.Integer());
    if (kind & 4) options.context_tokens = static_cast<int32_t>(input_.Range(1, 90));
    options.roll = (kind & 8) != 0;
    if (options.roll) options.keep_tokens = static_cast<int32_t>(input_.Range(0, 12));
    options.speculate = (kind & 16) != 0;
    if (kind & 32) options.kv_type = static_cast<hob_kv_type>(input_.Byte() % 5 - 1);
    if (kind >= 224) {
      options.draft = AnyModel();
      options.draft_tokens = static_cast<int32_t>(input_.Byte() % 18);
    }
    const Options<hob_session_options> some(input_, options);
    hob_session* session = nullptr;
    Call call;
    if (call(hob_session_create(&session, AnyModel(), some.get(), call))) sessions_.Add(session);
  }

  void AddMessage() {
    constexpr std::string_view kRoles[] = {"user", "assistant", "system", "tool", ""};
    const std::string_view role = input_.Pick(kRoles), text = input_.Text(40);
    hob_session* session = sessions_.Any(input_);
    Changes(session, [&](hob_error** error) {
      return hob_session_add_message(session, role.data(), role.size(), text.data(), text.size(),
                                     error);
    });
  }
  void AddText() {
    const std::string_view text = input_.Text(60);
    const hob_text_flags flags = input_.Byte() % 5;
    hob_session* session = sessions_.Any(input_);
    Changes(session, [&](hob_error** error) {
      return hob_session_add_text(session, text.data(), text.size(), flags, error);
    });
  }
  void AddTokens() {
    std::vector<int32_t> tokens(static_cast<size_t>(input_.Range(0, 80)));
    Random random(input_.Byte());
    for (int32_t& token : tokens) token = static_cast<int32_t>(random.Below(10));
    if (!tokens.empty() && input_.Byte() >= 240)
      tokens.back() = static_cast<int32_t>(input_.Integer());
    hob_session* session = sessions_.Any(input_);
    Changes(session, [&](hob_error** error) {
      return hob_session_add_tokens(session, tokens.data(), tokens.size(), error);
    });
  }

  struct Answer {
    std::vector<int32_t> tokens;
    std::string text;
    int32_t stop_after = -1;
    static int32_t Take(void* user, const hob_token* token) {
      auto& answer = *static_cast<Answer*>(user);
      Require(token->struct_size >= sizeof(hob_token));
      if (token->id != HOB_NO_TOKEN) answer.tokens.push_back(token->id);
      answer.text.append(token->text, token->text_size);
      return static_cast<int32_t>(answer.tokens.size()) == answer.stop_after;
    }
  };
  struct Request {
    hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
    std::vector<std::string> texts;
    std::vector<hob_string> stops;
  };
  void FillRequest(Request& request) {
    const uint8_t kind = input_.Byte();
    request.options.max_tokens = static_cast<int32_t>(kind < 250 ? 1 + kind % 9 : input_.Integer());
    // A session that rolls would answer without end.
    if (request.options.max_tokens > 40 || request.options.max_tokens == 0) {
      request.options.max_tokens = 40;
    }
    for (int count = input_.Byte() % 4; count > 1; --count)
      request.texts.emplace_back(input_.Text(5));
    for (const std::string& text : request.texts)
      request.stops.push_back({text.data(), text.size()});
    request.options.stops = request.stops.data();
    request.options.stop_count = request.stops.size();
    request.options.ignore_eos = (kind & 1) != 0;
    request.options.priority = static_cast<int32_t>(kind % 3);
  }

  void Generate() {
    Request request;
    FillRequest(request);
    Answer answer;
    answer.stop_after = input_.Byte() % 8;
    if (input_.Bool()) request.options.on_token = &Answer::Take;
    request.options.user = &answer;
    if (input_.Byte() >= 250) request.options.max_time_ms = 1;
    const Options<hob_generate_options> some(input_, request.options);
    // Without max_tokens, a session that rolls would answer without end.
    if (some.get() == nullptr || some.size() < 8) return;
    hob_session* session = sessions_.Any(input_);
    hob_generate_result result = HOB_GENERATE_RESULT_INIT;
    if (Changes(session, [&](hob_error** error) {
          return hob_session_generate(&result, session, some.get(), error);
        })) {
      Require(result.finish_reason >= HOB_FINISH_END && result.finish_reason <= HOB_FINISH_TIME);
      Require(result.generated_tokens >= 0 && result.cached_tokens <= result.prompt_tokens);
    }
  }

  // A session, its fork, and one restored from its bytes give the same answer.
  void GenerateTwice() {
    hob_session* session = sessions_.Any(input_);
    hob_session* fork = nullptr;
    Call forked;
    if (!forked(hob_session_fork(&fork, session, forked))) return;
    sessions_.Add(fork, 1000);
    void* bytes = nullptr;
    size_t size = 0;
    Call saving;
    if (!saving(hob_session_save_buffer(&bytes, &size, fork, saving))) return;
    const Given<void> held(bytes);
    Request request;
    FillRequest(request);
    request.options.on_token = &Answer::Take;
    Answer answers[3];
    hob_status statuses[3];
    hob_generate_result results[3] = {HOB_GENERATE_RESULT_INIT, HOB_GENERATE_RESULT_INIT,
                                      HOB_GENERATE_RESULT_INIT};
    for (int i = 0; i < 3; ++i) {
      request.options.user = &answers[i];
      hob_session* const who = i == 0 ? session : fork;
      if (i == 2) {
        Call restoring;
        Require(restoring(hob_session_restore_buffer(fork, bytes, size, restoring)));
      }
      Call call;
      statuses[i] = hob_session_generate(&results[i], who, &request.options, call);
      call(statuses[i]);
    }
    for (int i = 1; i < 3; ++i) {
      if (statuses[i] == HOB_RESOURCE_EXHAUSTED || statuses[0] == HOB_RESOURCE_EXHAUSTED) break;
      Require(statuses[i] == statuses[0] && answers[i].tokens == answers[0].tokens &&
              answers[i].text == answers[0].text);
      Require(results[i].finish_reason == results[0].finish_reason &&
              results[i].stop_index == results[0].stop_index &&
              results[i].generated_tokens == results[0].generated_tokens);
    }
  }

  void Start() {
    Request request;
    FillRequest(request);
    hob_session* session = sessions_.Any(input_);
    Changes(session,
            [&](hob_error** error) { return hob_session_start(session, &request.options, error); });
  }
  void Poll() {
    hob_session* session = sessions_.Any(input_);
    constexpr int32_t kTimeouts[] = {0, 1, 0, -1};
    for (int polls = input_.Byte() % 12; polls >= 0; --polls) {
      hob_poll kind = -1;
      hob_token token = HOB_TOKEN_INIT;
      Call call;
      if (!call(hob_session_poll(&kind, &token, session, input_.Pick(kTimeouts), call))) return;
      Require(kind >= HOB_POLL_NOTHING && kind <= HOB_POLL_END);
      if (kind == HOB_POLL_END) return;
    }
  }
  void Cancel() {
    if (hob_session* session = sessions_.Any(input_)) hob_session_cancel(session);
  }
  void Fork() {
    hob_session* fork = nullptr;
    Call call;
    if (call(hob_session_fork(&fork, sessions_.Any(input_), call))) sessions_.Add(fork);
  }

  void SaveRestore() {
    void* bytes = nullptr;
    size_t size = 0;
    Call saving;
    if (!saving(hob_session_save_buffer(&bytes, &size, sessions_.Any(input_), saving))) return;
    saved_.assign(static_cast<uint8_t*>(bytes), static_cast<uint8_t*>(bytes) + size);
    hob_free(bytes);
    hob_session* session = sessions_.Any(input_);
    const bool to_file = input_.Byte() >= 240;
    const std::string path = to_file ? ScratchPath() : std::string();
    if (to_file) {
      Call call;
      if (!call(hob_session_save(session, path.data(), path.size(), call))) return;
    }
    Changes(session, [&](hob_error** error) {
      return to_file ? hob_session_restore(session, path.data(), path.size(), error)
                     : hob_session_restore_buffer(session, saved_.data(), saved_.size(), error);
    });
    if (to_file) std::remove(path.c_str());
  }
  // What was saved, changed, cut, or of another model.
  void RestoreAny() {
    std::vector<uint8_t> bytes = saved_;
    for (int changes = input_.Byte() % 4; changes > 0 && !bytes.empty(); --changes) {
      bytes[input_.Raw<uint16_t>() % bytes.size()] ^= input_.Byte();
    }
    if (input_.Byte() >= 224) bytes.resize(input_.Raw<uint16_t>() % (bytes.size() + 1));
    hob_session* session = sessions_.Any(input_);
    Changes(session, [&](hob_error** error) {
      return hob_session_restore_buffer(session, bytes.data(), bytes.size(), error);
    });
  }

  void SetSampler() {
    const Options<hob_sampler_options> some(input_, AnySampler());
    hob_session* session = sessions_.Any(input_);
    Changes(session,
            [&](hob_error** error) { return hob_session_set_sampler(session, some.get(), error); });
  }
  void KeepMessages() {
    hob_session* session = sessions_.Any(input_);
    const size_t count = input_.Byte() % 5;
    Changes(session,
            [&](hob_error** error) { return hob_session_keep_messages(session, count, error); });
  }
  void Reset() {
    hob_session* session = sessions_.Any(input_);
    Changes(session, [&](hob_error** error) { return hob_session_reset(session, error); });
  }
  void ReadSession() {
    hob_session* session = sessions_.Any(input_);
    if (session == nullptr) return;
    size_t count = 0;
    Require(hob_session_message_count(&count, session, nullptr) == HOB_OK);
    for (size_t i = 0; i <= count; ++i) {
      hob_string role = {}, text = {};
      Call call;
      const bool found = call(hob_session_get_message(&role, &text, session, i, call));
      Require(found == (i < count) && (!found || text.data[text.size] == '\0'));
    }
    hob_session_stats stats = HOB_SESSION_STATS_INIT;
    Require(hob_session_get_stats(&stats, session, nullptr) == HOB_OK);
    hob_generate_result result = HOB_GENERATE_RESULT_INIT;
    Call call;
    call(hob_session_get_result(&result, session, call));
  }

  void Destroy() {
    const uint8_t which = input_.Byte(), kind = input_.Byte();
    switch (kind % 5) {
      case 0:
        runtimes_.Drop(which);
        break;
      case 1:
        models_.Drop(which);
        break;
      case 2:
        tokenizers_.Drop(which);
        break;
      case 3:
        samplers_.Drop(which);
        break;
      default:
        sessions_.Drop(which);
    }
  }

  void ModelTexts() {
    const hob_model* model = AnyModel();
    hob_string text = {};
    Call call;
    call(hob_model_get_text(&text, model, input_.Byte() % 12, call));
    hob_model_info info = HOB_MODEL_INFO_INIT;
    if (input_.Byte() >= 200) info.struct_size = input_.Byte() % sizeof(info);
    Call told;
    told(hob_model_get_info(&info, model, told));
    char* json = nullptr;
    size_t size = 0;
    Call describing;
    if (input_.Byte() >= 240 && describing(hob_model_describe(&json, &size, model, describing))) {
      hob_free(json);
    }
    hob_tokenizer* tokenizer = nullptr;
    Call taking;
    if (taking(hob_model_get_tokenizer(&tokenizer, model, taking))) tokenizers_.Add(tokenizer);
  }

  void UseTokenizer() {
    if (input_.Byte() >= 224) {
      hob_tokenizer* tokenizer = nullptr;
      const std::string& path = input_.Bool() ? TheFiles().tiny : TheFiles().broken;
      Call call;
      if (call(hob_tokenizer_open(&tokenizer, path.data(), path.size(), call))) {
        tokenizers_.Add(tokenizer);
      }
    }
    const hob_tokenizer* tokenizer = tokenizers_.Any(input_);
    const std::string_view text = input_.Text(80);
    const hob_text_flags flags = input_.Byte() % 9;
    int32_t* tokens = nullptr;
    size_t count = 0;
    Call call;
    if (!call(hob_tokenizer_encode(&tokens, &count, tokenizer, text.data(), text.size(), flags,
                                   call))) {
      return;
    }
    const Given<int32_t> held(tokens);
    char* back = nullptr;
    size_t size = 0;
    Call decoding;
    if (decoding(
            hob_tokenizer_decode(&back, &size, tokenizer, tokens, count, flags & 4, decoding))) {
      Require(back[size] == '\0');
      hob_free(back);
    }
    hob_token_info info = HOB_TOKEN_INFO_INIT;
    Call asking;
    asking(
        hob_tokenizer_get_token(&info, tokenizer, static_cast<int32_t>(input_.Integer()), asking));
    int32_t id = -5;
    Call finding;
    if (!finding(hob_tokenizer_find(&id, tokenizer, text.data(), text.size(), finding))) {
      Require(id == -5);
    }
  }

  void UseDetokenizer() {
    hob_detokenizer* stream = nullptr;
    Call call;
    if (!call(hob_detokenizer_create(&stream, tokenizers_.Any(input_), input_.Byte() % 5, call)))
      return;
    for (int count = input_.Byte() % 16; count > 0; --count) {
      hob_string text = {};
      Call pushing;
      pushing(
          hob_detokenizer_push(&text, stream, static_cast<int32_t>(input_.Byte()) - 2, pushing));
    }
    hob_string text = {};
    Require(hob_detokenizer_finish(&text, stream, nullptr) == HOB_OK);
    hob_detokenizer_destroy(stream);
  }

  void UseSampler() {
    if (input_.Bool()) {
      hob_sampler* made = nullptr;
      const Options<hob_sampler_options> some(input_, AnySampler());
      Call call;
      if (call(hob_sampler_create(&made, some.get(), call))) samplers_.Add(made);
    }
    hob_sampler* sampler = samplers_.Any(input_);
    std::vector<float> logits(input_.Byte() % 40);
    for (float& x : logits) x = static_cast<float>(input_.Real());
    const int32_t recent[] = {input_.Byte(), static_cast<int32_t>(input_.Integer())};
    Call accepting;
    accepting(hob_sampler_accept(sampler, recent, input_.Byte() % 3, accepting));
    std::vector<float> chances(logits.size());
    Call telling;
    const bool told = telling(hob_sampler_get_probabilities(chances.data(), sampler, logits.data(),
                                                            logits.size(), telling));
    int32_t token = -5;
    Call call;
    const bool chosen =
        call(hob_sampler_sample(&token, sampler, logits.data(), logits.size(), call));
    Require(told == chosen);
    if (chosen) {
      Require(token >= 0 && static_cast<size_t>(token) < logits.size());
    } else {
      Require(token == -5);
    }
  }

  void UseTemplate() {
    const std::string_view source = input_.Text(120);
    hob_chat_template* made = nullptr;
    Call call;
    const bool ours = input_.Bool();
    if (!call(ours
                  ? hob_model_get_chat_template(&made, AnyModel(), call)
                  : hob_chat_template_create(&made, source.data(), source.size(), nullptr, call))) {
      return;
    }
    hob_render_options options = HOB_RENDER_OPTIONS_INIT;
    const std::string_view variables = input_.Text(60), content = input_.Text(60);
    options.variables = {variables.data(), variables.size()};
    const hob_chat_message messages[] = {{{"user", 4}, {content.data(), content.size()}},
                                         {{"assistant", 9}, {nullptr, 0}}};
    const Options<hob_render_options> some(input_, options);
    char* text = nullptr;
    size_t size = 0;
    Call rendering;
    if (rendering(hob_chat_template_render(&text, &size, made, messages, input_.Byte() % 3,
                                           some.get(), rendering))) {
      hob_free(text);
    }
    hob_chat_template_destroy(made);
  }

  void Matrix() {
    const size_t rows = static_cast<size_t>(input_.Range(0, 40));
    const size_t columns = 32 * static_cast<size_t>(input_.Range(0, 4));
    std::vector<float> values(rows * columns);
    Random random(input_.Byte());
    for (float& x : values) x = random.Uniform();
    hob_matrix_options options = HOB_MATRIX_OPTIONS_INIT;
    options.activations = input_.Byte() % 4;
    options.max_rows = input_.Byte() % 4;
    const Options<hob_matrix_options> some(input_, options);
    hob_matrix* matrix = nullptr;
    Call call;
    if (!call(hob_matrix_quantize(&matrix, SharedRuntime(),
                                  static_cast<hob_type>(input_.Range(0, 15)), values.data(), rows,
                                  columns, some.get(), call))) {
      return;
    }
    std::vector<float> x(columns * 5), out(rows * 5);
    for (float& value : x) value = random.Uniform();
    Require(hob_matrix_multiply(out.data(), matrix, x.data(), 5, nullptr) == HOB_OK);
    hob_matrix_destroy(matrix);
  }

  void Evaluate() {
    hob_session* session = sessions_.Any(input_);
    std::vector<int32_t> tokens(input_.Byte() % 40);
    for (int32_t& token : tokens) token = input_.Byte() % 12;
    int32_t left = input_.Byte() % 6;
    Call call;
    call(hob_session_evaluate(
        session, tokens.data(), tokens.size(),
        [](void* user, size_t, size_t, const float*) {
          return static_cast<int32_t>(--*static_cast<int32_t*>(user) == 0);
        },
        &left, call));
  }

  void Nulls() {
    Call a, b, c, d, e;
    Require(!a(hob_session_add_text(sessions_.Any(input_), nullptr, 5, 0, a)));
    Require(!b(hob_model_open(nullptr, SharedRuntime(), "x", 1, nullptr, b)));
    Require(!c(hob_runtime_create(nullptr, nullptr, c)));
    Require(!d(hob_sampler_sample(nullptr, nullptr, nullptr, 0, d)));
    Require(!e(hob_session_poll(nullptr, nullptr, nullptr, 0, e)));
    hob_session_cancel(nullptr);
    hob_free(nullptr);
    hob_error_destroy(nullptr);
  }

  Input& input_;
  std::vector<uint8_t> saved_;
  Handles<hob_runtime, hob_runtime_destroy> runtimes_;
  Handles<hob_model, hob_model_destroy> models_;
  Handles<hob_tokenizer, hob_tokenizer_destroy> tokenizers_;
  Handles<hob_sampler, hob_sampler_destroy> samplers_;
  Handles<hob_session, hob_session_destroy> sessions_;
};

uint64_t BytesInUse() {
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  Require(hob_runtime_get_info(&info, SharedRuntime(), nullptr) == HOB_OK);
  return info.bytes_in_use;
}

}  // namespace
}  // namespace hob::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hob::fuzz;
  SharedModel();
  const uint64_t before = BytesInUse();
  Input input(data, size);
  Program(input).Run();
  Require(BytesInUse() == before);
  return 0;
}
