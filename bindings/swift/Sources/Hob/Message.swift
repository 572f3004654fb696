// SPDX-License-Identifier: Apache-2.0

/// Who said a message: one of the three, or what else the model's chat template knows.
public struct Role: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral,
  CustomStringConvertible
{
  public var rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  public init(stringLiteral value: String) {
    self.init(rawValue: value)
  }

  public static let system: Role = "system"
  public static let user: Role = "user"
  public static let assistant: Role = "assistant"

  public var description: String { rawValue }
}

/// A message of a conversation.
public struct Message: Sendable, Hashable {
  public var role: Role
  public var text: String

  public init(role: Role, text: String) {
    self.role = role
    self.text = text
  }
}
