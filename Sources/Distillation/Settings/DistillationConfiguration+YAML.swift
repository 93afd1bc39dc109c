extension DistillationConfiguration {
  /// All settings as YAML, each below a comment that says what it is: can be edited and read back.
  /// - Parameter title: the first comment.
  public func yaml(title: String) -> String {
    var lines = ["# \(title)"]
    var group = ""
    for key in Self.keys {
      let names = key.path.split(separator: ".").map(String.init)
      let indent = names.count > 1 ? "  " : ""
      if names.count > 1, names[0] != group {
        group = names[0]
        lines += ["", "# \(DistillationSchema.groups[group] ?? "")", "\(group):"]
      }
      let needs = key.condition.map { " Needs \($0.text)." } ?? ""
      lines.append("\(indent)# \(key.help) (\(key.rangeText))\(needs)")
      lines.append("\(indent)\(names[names.count - 1]): \(Self.quoted(value(of: key).settingText))")
    }
    return lines.joined(separator: "\n")
  }

  /// A text as a YAML scalar: in quotes where it would be read as something else.
  private static func quoted(_ text: String) -> String {
    if text == "null" || text.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9_.\/-]*/) != nil { return text }
    return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  /// A table of all settings in Markdown: names, defaults of the presets where they differ, ranges and meanings.
  public static var markdown: String {
    var lines: [String] = []
    var group: String?
    for key in keys {
      let names = key.path.split(separator: ".").map(String.init)
      let own = names.count > 1 ? names[0] : ""
      if own != group {
        group = own
        lines += ["", "## " + (own.isEmpty ? "The run" : "`\(own)`"), ""]
        if let about = DistillationSchema.groups[own] { lines += [about, ""] }
        lines += ["| setting | default | values | meaning |", "| --- | --- | --- | --- |"]
      }
      let needs = key.condition.map { " Needs \($0.text)." } ?? ""
      lines.append("| `\(key.path)` | \(defaults(of: key)) | \(key.rangeText) | \(key.help)\(needs) |")
    }
    return lines.dropFirst().joined(separator: "\n")
  }

  /// The default of a setting, with those presets that have another.
  private static func defaults(of key: any AnySettingKey) -> String {
    let values = Dictionary(grouping: key.otherDefaults, by: \.value).sorted { $0.key < $1.key }.map { value, presets in
      let tested = presets.filter(\.preset.isTested).map(\.preset.rawValue)
      return "\(value): " + (tested + (tested.count < presets.count ? ["published"] : [])).joined(separator: ", ")
    }
    return ([key.initialValue.settingText] + values).joined(separator: "; ")
  }
}

extension AnySettingKey {
  /// The presets that have another default.
  fileprivate var otherDefaults: [(preset: DistillationPreset, value: String)] {
    DistillationPreset.allCases.map { ($0, $0.configuration.value(of: self).settingText) }
      .filter { $0.value != initialValue.settingText }
  }

  /// The default, as far as all presets have the same.
  public var usualText: String {
    let text = initialValue.settingText == "null" ? "none" : initialValue.settingText
    return otherDefaults.isEmpty ? text : "\(text), or another by preset"
  }
}
