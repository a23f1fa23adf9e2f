namespace SyncServer.Core.Entities;

/// <summary>What a file of definitions may hold. Each bound is far above what apps declare and far below what hurts.</summary>
public static class DefinitionLimits
{
    /// <summary>Bytes of the file: it is read whole, and <c>/v1/session</c> gives it to every client.</summary>
    public const int FileBytes = 1024 * 1024;

    /// <summary>Entities: apps have tens.</summary>
    public const int Entities = 200;

    /// <summary>Fields of one entity: every write of a record is checked against all of them.</summary>
    public const int Fields = 500;

    /// <summary>Characters of a field's pointer, for it stands in explanations and errors.</summary>
    public const int PointerLength = 512;

    /// <summary>Unique rules of one entity: each is an index entry per record.</summary>
    public const int UniqueRules = 10;

    /// <summary>Fields of one unique rule.</summary>
    public const int UniqueFields = 10;

    /// <summary>States of one state machine.</summary>
    public const int States = 100;

    /// <summary>Characters of a state's name, which errors repeat.</summary>
    public const int StateLength = 128;

    /// <summary>Bytes of a default: it is copied into every new record.</summary>
    public const int DefaultBytes = 16 * 1024;

    /// <summary>Violations that one refusal names; the stored outcome stays small whatever a client sends.</summary>
    public const int Violations = 50;
}
