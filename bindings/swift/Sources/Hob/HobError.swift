// SPDX-License-Identifier: Apache-2.0
import CHob

/// Why a call failed.
///
/// Printing it gives all of it: `"INVALID_ARGUMENT: what was wrong and where (what to do about
/// it)"`.
public struct HobError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure it is; the numbers are those of gRPC's status codes.
  ///
  /// A newer library may report codes that this list does not have.
  public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public var rawValue: Int32

    public init(rawValue: Int32) {
      self.rawValue = rawValue
    }

    private init(_ code: Int) {
      self.init(rawValue: Int32(truncatingIfNeeded: code))
    }

    public static let cancelled = Code(HOB_CANCELLED)
    public static let unknown = Code(HOB_UNKNOWN)
    /// An argument or a file's content is wrong.
    public static let invalidArgument = Code(HOB_INVALID_ARGUMENT)
    public static let deadlineExceeded = Code(HOB_DEADLINE_EXCEEDED)
    public static let notFound = Code(HOB_NOT_FOUND)
    public static let alreadyExists = Code(HOB_ALREADY_EXISTS)
    public static let permissionDenied = Code(HOB_PERMISSION_DENIED)
    /// Memory is out, or a limit is reached.
    public static let resourceExhausted = Code(HOB_RESOURCE_EXHAUSTED)
    /// Not in this state of the object.
    public static let failedPrecondition = Code(HOB_FAILED_PRECONDITION)
    public static let aborted = Code(HOB_ABORTED)
    /// Longer than the context.
    public static let outOfRange = Code(HOB_OUT_OF_RANGE)
    /// A model family, tensor type or feature that hob lacks.
    public static let unimplemented = Code(HOB_UNIMPLEMENTED)
    /// A fault of hob: please report it.
    public static let `internal` = Code(HOB_INTERNAL)
    public static let unavailable = Code(HOB_UNAVAILABLE)
    /// A file is cut short or damaged.
    public static let dataLoss = Code(HOB_DATA_LOSS)
    public static let unauthenticated = Code(HOB_UNAUTHENTICATED)

    /// The code's name, such as `INVALID_ARGUMENT`.
    public var description: String { String(hob_status_name(rawValue)) }
  }

  /// What kind of failure it is.
  public let code: Code
  /// What was wrong and where, for people.
  public let message: String
  /// What the caller can do about it; often empty.
  public let hint: String

  /// Makes an error, as an app's own stand-ins for tests may want to.
  public init(code: Code, message: String, hint: String = "") {
    self.code = code
    self.message = message
    self.hint = hint
  }

  public var description: String {
    hint.isEmpty ? "\(code): \(message)" : "\(code): \(message) (\(hint))"
  }
}

/// Calls a function of the C interface with the place for its error, and throws what it reports.
func check(_ call: (UnsafeMutablePointer<OpaquePointer?>) -> hob_status) throws {
  var error: OpaquePointer?
  let status = call(&error)
  guard status != HOB_OK else { return }
  defer { hob_error_destroy(error) }
  throw HobError(
    code: HobError.Code(rawValue: status), message: String(hob_error_message(error)),
    hint: String(hob_error_hint(error)))
}

#if canImport(Darwin)
  import Foundation

  // Elsewhere the library stays free of Foundation; printing the error says the same.
  extension HobError: LocalizedError {
    public var errorDescription: String? { description }
    public var recoverySuggestion: String? { hint.isEmpty ? nil : hint }
  }
#endif
