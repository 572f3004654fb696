// SPDX-License-Identifier: Apache-2.0
import CHob
import Testing

@testable import Hob

/// What Swift's options come with is what the C interface says.
@Suite struct OptionsTests {
  private func same<C>(_ swift: C, _ c: C) {
    #expect(String(reflecting: swift) == String(reflecting: c))
  }

  @Test func defaultsAreThoseOfC() throws {
    same(try RuntimeOptions().c(), chob_hob_runtime_options())
    same(try ModelOptions().c(), chob_hob_model_options())
    same(try SamplerOptions().c(), chob_hob_sampler_options())
    same(try SessionOptions().c(), chob_hob_session_options())
    try GenerateOptions().withC { same($0.pointee, chob_hob_generate_options()) }
    let text = String(reflecting: try SamplerOptions().c())
    #expect(text.contains("top_p: 1.0"), "the comparison sees no fields: \(text)")
  }

  /// 0 is the library's choice, as nil is.
  @Test func zeroIsAsNil() throws {
    same(
      try RuntimeOptions(threads: 0, maxRequests: 0, memoryLimit: 0).c(),
      chob_hob_runtime_options())
    same(try ModelOptions(maxBatchRows: 0).c(), chob_hob_model_options())
    same(
      try ModelOptions(ropeScaling: .linear(factor: 2, originalContext: 0)).c(),
      try ModelOptions(ropeScaling: .linear(factor: 2)).c())
    same(try SessionOptions(contextTokens: 0, draftTokens: 0).c(), chob_hob_session_options())
    try GenerateOptions(maxTokens: 0).withC { same($0.pointee, chob_hob_generate_options()) }
  }

  @Test func valuesArrive() throws {
    let runtime = try RuntimeOptions(threads: 3, logLevel: .error, maxRequests: 4, memoryLimit: 5)
      .c()
    #expect(runtime.threads == 3 && runtime.log_level == HOB_LOG_ERROR)
    #expect(runtime.max_requests == 4 && runtime.memory_limit == 5)
    #expect(runtime.abi_version == hob_abi_version())

    let model = try ModelOptions(
      maxBatchRows: 7, activations: .float32, cacheType: .int8, vocabularyOnly: true,
      ropeScaling: .yarn(factor: 4, originalContext: 99), sharedCacheTokens: 0
    ).c()
    #expect(
      model.max_batch_rows == 7 && model.activations == HOB_ACTIVATIONS_F32
        && model.kv_type == HOB_KV_INT8)
    #expect(
      model.vocabulary_only == 1 && model.rope_scaling == HOB_ROPE_YARN && model.rope_factor == 4)
    #expect(model.rope_original_context == 99 && model.shared_cache_tokens == -1)
    let scalings: [(ModelOptions.RopeScaling, Int)] = [
      (.model, HOB_ROPE_MODEL), (.none, HOB_ROPE_NONE), (.linear(factor: 2), HOB_ROPE_LINEAR),
      (.ntk(factor: 2), HOB_ROPE_NTK), (.llama3(factor: 2), HOB_ROPE_LLAMA3),
    ]
    for (scaling, expected) in scalings {
      #expect(try ModelOptions(ropeScaling: scaling).c().rope_scaling == expected)
    }

    let session = try SessionOptions(contextTokens: 64, roll: true, speculate: true, keepTokens: 8)
      .c()
    #expect(
      session.context_tokens == 64 && session.roll == 1 && session.speculate == 1
        && session.keep_tokens == 8)
    #expect(session.kv_type == HOB_KV_MODEL && session.draft == nil && session.draft_tokens == 0)
    let guessing = try SessionOptions(kvType: .int8, draftTokens: 3).c()
    #expect(guessing.kv_type == HOB_KV_INT8 && guessing.draft_tokens == 3)

    let options = GenerateOptions(
      maxTokens: 9, stops: ["één", "two"], ignoreEnd: true, priority: -2,
      maxTime: .milliseconds(1.5))
    try options.withC { c in
      #expect(c.pointee.max_tokens == 9 && c.pointee.ignore_eos == 1 && c.pointee.priority == -2)
      #expect(c.pointee.max_time_ms == 2 && c.pointee.stop_count == 2)
      #expect(String(c.pointee.stops[0]) == "één" && String(c.pointee.stops[1]) == "two")
    }
  }

  @Test func numbersOfEnumsAreThoseOfC() {
    #expect(LogLevel.debug.rawValue == HOB_LOG_DEBUG && LogLevel.error.rawValue == HOB_LOG_ERROR)
    #expect(LogLevel.info.rawValue == HOB_LOG_INFO && LogLevel.warning.rawValue == HOB_LOG_WARNING)
    #expect(ModelOptions.Activations.int16.rawValue == HOB_ACTIVATIONS_INT16)
    #expect(ModelOptions.Activations.int8.rawValue == HOB_ACTIVATIONS_INT8)
    #expect(ModelOptions.CacheType.float16.rawValue == HOB_KV_F16)
    #expect(ModelOptions.CacheType.float32.rawValue == HOB_KV_F32)
    let texts: [(Model.Text, Int)] = [
      (.architecture, HOB_MODEL_ARCHITECTURE), (.name, HOB_MODEL_NAME),
      (.license, HOB_MODEL_LICENSE),
      (.container, HOB_MODEL_CONTAINER), (.chatTemplate, HOB_MODEL_CHAT_TEMPLATE),
      (.tokenizer, HOB_MODEL_TOKENIZER),
      (.path, HOB_MODEL_PATH), (.hash, HOB_MODEL_HASH),
    ]
    for (text, number) in texts { #expect(text.rawValue == number) }
  }

  /// A number that C cannot hold is an error, not a trap.
  @Test func numbersThatDoNotFit() async throws {
    await expect(.invalidArgument) { try SamplerOptions(topK: .max).c() }
    await expect(.invalidArgument) { try RuntimeOptions(threads: -1).c() }
    await expect(.invalidArgument) { try ModelOptions(maxBatchRows: -1).c() }
    await expect(.invalidArgument) { try SessionOptions(draftTokens: .max).c() }
    let error = await expect(.invalidArgument) {
      try GenerateOptions(maxTokens: .min).withC { _ in }
    }
    #expect(error?.message.contains("maxTokens") == true)
  }

  @Test(
    arguments: [(Duration, UInt32)]([
      (.seconds(-1), 0), (.zero, 0), (.nanoseconds(1), 1), (.milliseconds(1), 1),
      (.seconds(2), 2000),
      (.seconds(Int64.max), UInt32.max),
    ]))
  func milliseconds(duration: Duration, expected: UInt32) {
    #expect(duration.milliseconds == expected)
  }
}
