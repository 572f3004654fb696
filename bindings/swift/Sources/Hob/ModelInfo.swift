// SPDX-License-Identifier: Apache-2.0
import CHob

extension Model {
  /// What a model is. Sizes that a vocabulary-only model does not know are 0.
  public struct Info: Sendable, Hashable {
    public let vocabularySize: Int
    /// In tokens: what the model was made for, or ``ModelOptions/ropeScaling`` made it.
    public let contextLength: Int
    public let layers: Int
    public let width: Int
    public let heads: Int
    public let kvHeads: Int
    public let headDim: Int
    /// The token that begins a text.
    public let bosToken: Int32?
    /// The token that ends it; see ``Model/isEndToken(_:)`` for all that do.
    public let eosToken: Int32?
    public let maxBatchRows: Int
    public let hasChatTemplate: Bool
    public let parameters: UInt64
    public let fileBytes: UInt64
    /// Allocated for packed weights, beside the mapped file.
    public let weightBytes: UInt64
    /// Allocated for activations.
    public let scratchBytes: UInt64
    /// Of each session's cache.
    public let kvBytesPerToken: UInt64

    init(_ info: hob_model_info) {
      vocabularySize = Int(info.vocabulary_size)
      contextLength = Int(info.context_length)
      layers = Int(info.layers)
      width = Int(info.width)
      heads = Int(info.heads)
      kvHeads = Int(info.kv_heads)
      headDim = Int(info.head_dim)
      bosToken = known(info.bos_token)
      eosToken = known(info.eos_token)
      maxBatchRows = Int(info.max_batch_rows)
      hasChatTemplate = info.has_chat_template != 0
      parameters = info.parameters
      fileBytes = info.file_bytes
      weightBytes = info.weight_bytes
      scratchBytes = info.scratch_bytes
      kvBytesPerToken = info.kv_bytes_per_token
    }
  }

  /// What opening a file and its sessions take, in bytes of the runtime's memory. For a
  /// vocabulary-only model all is 0.
  public struct Plan: Sendable, Hashable {
    /// In tokens: what the model was made for.
    public let contextLength: Int
    /// As used for this plan.
    public let maxBatchRows: Int
    /// A session's cache grows by pages of so many tokens.
    public let kvPageTokens: Int
    /// Allocated for packed weights.
    public let weightBytes: UInt64
    /// Of weights that are read in the mapped file: not allocated.
    public let mappedBytes: UInt64
    /// Allocated for activations, kernels and the logits of a step.
    public let scratchBytes: UInt64
    /// Of each session's cache.
    public let kvBytesPerToken: UInt64
    public let kvPageBytes: UInt64
    /// Of a session that holds ``contextLength`` tokens; see ``sessionBytes(tokens:)``.
    public let sessionBytes: UInt64

    init(_ plan: hob_model_plan_info) {
      contextLength = Int(plan.context_length)
      maxBatchRows = Int(plan.max_batch_rows)
      kvPageTokens = Int(plan.kv_page_tokens)
      weightBytes = plan.weight_bytes
      mappedBytes = plan.mapped_bytes
      scratchBytes = plan.scratch_bytes
      kvBytesPerToken = plan.kv_bytes_per_token
      kvPageBytes = plan.kv_page_bytes
      sessionBytes = plan.session_bytes
    }

    /// What is allocated when the model opens.
    public var openBytes: UInt64 { weightBytes + scratchBytes }

    /// Of a session that holds so many tokens: whole pages.
    public func sessionBytes(tokens: Int) -> UInt64 {
      guard tokens > 0, kvPageTokens > 0 else { return 0 }
      let pages = UInt64((tokens - 1) / kvPageTokens + 1)
      let (bytes, overflow) = pages.multipliedReportingOverflow(by: kvPageBytes)
      return overflow ? UInt64.max : bytes
    }
  }

  /// A text that a model's file has.
  public enum Text: Int32, Sendable, Hashable {
    /// Such as "llama".
    case architecture = 1
    case name = 2
    case license = 3
    /// Such as "GGUF v3".
    case container = 4
    /// Jinja source.
    case chatTemplate = 5
    /// Such as "gpt2/smollm".
    case tokenizer = 6
    case path = 7
    /// 32 hex digits, XXH3-128 of the file; the first call reads all of it.
    case hash = 8
  }
}
