// SPDX-License-Identifier: Apache-2.0
// Values on their way between Swift and C.
import CHob

extension String {
  /// Copies what the library returned; bytes that are not UTF-8 become U+FFFD.
  init(_ text: hob_string) {
    self.init(bytes: text.data, count: text.size)
  }

  init(bytes: UnsafePointer<CChar>?, count: Int) {
    self = String(
      decoding: UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count), as: UTF8.self
    )
  }

  /// Hands out the text as pointer and length, valid for the call.
  func withC<R>(_ body: (UnsafePointer<CChar>?, Int) throws -> R) rethrows -> R {
    var text = self
    return try text.withUTF8 { bytes in
      try bytes.withMemoryRebound(to: CChar.self) { try body($0.baseAddress, $0.count) }
    }
  }
}

extension Array where Element == String {
  /// Hands out the texts as an array of views, valid for the call.
  func withC<R>(_ body: (UnsafePointer<hob_string>?, Int) throws -> R) rethrows -> R {
    var bytes: [CChar] = []
    for text in self { bytes.append(contentsOf: text.utf8.lazy.map { CChar(bitPattern: $0) }) }
    return try bytes.withUnsafeBufferPointer { bytes in
      var views: [hob_string] = []
      var begin = 0
      for text in self {
        let size = text.utf8.count
        views.append(hob_string(data: bytes.baseAddress.map { $0 + begin }, size: size))
        begin += size
      }
      return try views.withUnsafeBufferPointer { try body($0.baseAddress, $0.count) }
    }
  }
}

extension FixedWidthInteger {
  /// The number as C takes it; one that does not fit is an error that names the option instead of a
  /// trap.
  init(_ value: Int, option name: String) throws {
    guard let number = Self(exactly: value) else {
      throw HobError(
        code: .invalidArgument, message: "\(name) is \(value)",
        hint: "give a number from \(Self.min) to \(Self.max)")
    }
    self = number
  }
}

extension Duration {
  /// In whole milliseconds, rounded up; what is too long becomes the longest.
  var milliseconds: UInt32 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    guard seconds < Int64(UInt32.max) / 1000 else { return UInt32.max }
    return UInt32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}

/// A token id that the library gave: below 0 there is none.
func known(_ token: Int32) -> Int32? { token < 0 ? nil : token }

/// A C handle that may go to another thread.
struct Handle: @unchecked Sendable {
  let pointer: OpaquePointer
}

/// The handle that a successful call has written.
func created(_ handle: OpaquePointer?) throws -> Handle {
  guard let handle else {
    throw HobError(code: .internal, message: "hob returned no handle", hint: "please report it")
  }
  return Handle(pointer: handle)
}

/// Memory that the library gave and that is freed at the end of the scope.
func freed<Element, R>(
  _ memory: UnsafeMutablePointer<Element>?, _ count: Int,
  _ body: (UnsafeBufferPointer<Element>) -> R
) -> R {
  defer { hob_free(memory) }
  return body(UnsafeBufferPointer(start: memory, count: memory == nil ? 0 : count))
}
