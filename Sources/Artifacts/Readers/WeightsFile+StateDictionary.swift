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
}
