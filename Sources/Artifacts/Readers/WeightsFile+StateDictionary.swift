extension WeightsFile {
  /// Where the trainers of VAR, LlamaGen and DD1, and others, keep the state dictionaries of their models.
  /// Source: `trainer.py` of VAR, `train_c2i.py` of LlamaGen.
  public static let customaryLocations = [
    "model", "module", "state_dict", "ema", "trainer.var_wo_ddp", "trainer.ema_parameters", "trainer.vae_local",
  ]

  /// The tensors of one state dictionary, named from there.
  ///
  /// - Parameter location: keys on the way to it, joined by dots; empty for the file's top level. Nil finds it: the one
  ///   customary location that holds tensors, or the top level if it holds tensors itself.
  ///
  /// Throws `ArtifactError.missingEntry` if nothing is at `location`, `.ambiguous` if nil leaves a choice,
  /// `.wrongFormat` if the file holds no tensors.
  public func stateDictionary(at location: String? = nil) throws -> WeightsFile {
    guard !entries.isEmpty else {
      throw ArtifactError.wrongFormat(path: path, detail: "it holds no tensors")
    }
    guard let location else { return narrowed(to: try foundLocation()) }
    let narrowed = narrowed(to: location)
    guard !narrowed.entries.isEmpty else {
      throw ArtifactError.missingEntry(path: path, name: location, known: texts(of: groups))
    }
    return narrowed
  }

  private func foundLocation() throws -> String {
    let candidates = groups.filter { group in
      group.name.isEmpty ? group.ownTensorCount > 0 : Self.customaryLocations.contains(group.name)
    }
    guard candidates.count == 1, let only = candidates.first else {
      throw ArtifactError.ambiguous(path: path, found: texts(of: candidates.isEmpty ? groups : candidates))
    }
    return only.name
  }

  /// The first few dictionaries, for messages.
  private func texts(of groups: [Group]) -> [String] {
    let shown = 8
    let texts = groups.prefix(shown).map { group in
      (group.name.isEmpty ? "the top level" : group.name.inMessage) + " (\(group.tensorCount) tensors)"
    }
    return groups.count > shown ? texts + ["\(groups.count - shown) more"] : texts
  }

  /// What PyTorch and its trainers put around a model, or around modules inside it, and so into the names of weights:
  /// DistributedDataParallel, `torch.compile`, FSDP, activation checkpointing, and the attribute of a trainer.
  private static let wrappers: Set<Substring> = [
    "module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "model",
  ]

  /// The names of the tensors without wrappers, by their names in the file. Tensors of dictionaries inside this one keep
  /// theirs: there, a wrapper's name is the dictionary's.
  public func plainNames() -> [String: String] {
    let inner = Set(groups.filter { !$0.name.isEmpty && $0.ownTensorCount > 0 }.map(\.name))
    return Dictionary(
      uniqueKeysWithValues: entries.map { entry in
        let parts = entry.name.split(separator: ".", omittingEmptySubsequences: false)
        let isInside = parts.indices.dropFirst().contains { inner.contains(parts[..<$0].joined(separator: ".")) }
        let kept = isInside ? parts : parts.dropLast().filter { !Self.wrappers.contains($0) } + parts.suffix(1)
        return (entry.name, kept.joined(separator: "."))
      })
  }

  /// The tensors of a state dictionary under the names that the model itself gives them.
  ///
  /// Throws `ArtifactError.wrongFormat` if two become one.
  public func unwrapped() throws -> WeightsFile {
    let names = plainNames()
    let same = Dictionary(grouping: names.keys.sorted()) { names[$0] ?? $0 }.filter { $0.value.count > 1 }
    if let (name, stored) = same.min(by: { $0.key < $1.key }) {
      throw ArtifactError.wrongFormat(
        path: path,
        detail: "\(stored[0].inMessage) and \(stored[1].inMessage) both stand for the weight \(name.inMessage)"
      )
    }
    return renamed(names)
  }
}
