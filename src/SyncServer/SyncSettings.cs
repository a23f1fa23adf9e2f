using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using SyncServer.Core;

namespace SyncServer;

/// <summary>What operators choose under <c>Sync:*</c>, read once: a server never changes its limits while it runs.</summary>
public sealed record SyncSettings(Limits Limits, Presets Presets, Retentions Retentions)
{
    /// <summary>The section; its keys are the members of the three records.</summary>
    public const string Section = "Sync";

    /// <summary>The settings; a value that is none, or out of bounds, throws an error that names its key.</summary>
    public static SyncSettings Read(IConfiguration configuration)
    {
        var section = configuration.GetSection(Section);
        var settings = new SyncSettings(
            section.Get<Limits>() ?? new Limits(), section.Get<Presets>() ?? new Presets(), section.Get<Retentions>() ?? new Retentions());
        string[] errors = [.. settings.Errors()];
        return errors.Length == 0 ? settings : throw new OptionsValidationException(Section, typeof(SyncSettings), errors);
    }

    /// <summary>Registers the three records.</summary>
    public void AddTo(IServiceCollection services) =>
        services.AddSingleton(Limits).AddSingleton(Presets).AddSingleton(Retentions);

    private IEnumerable<string> Errors()
    {
        foreach (var error in OutOfRange(Limits).Concat(OutOfRange(Presets)).Concat(OutOfRange(Retentions)))
        {
            yield return error;
        }

        if (Limits.PullPageDefault > Limits.PullPageMax)
        {
            yield return $"{Section}:{nameof(Limits.PullPageDefault)} is above {Section}:{nameof(Limits.PullPageMax)}.";
        }

        if (Limits.RecordBytesMax > Limits.PushBytesMax)
        {
            yield return $"{Section}:{nameof(Limits.RecordBytesMax)} is above {Section}:{nameof(Limits.PushBytesMax)}: "
                + "such a record could not be sent.";
        }

        if (Presets.RetryCapMs < Presets.RetryBaseMs)
        {
            yield return $"{Section}:{nameof(Presets.RetryCapMs)} is below {Section}:{nameof(Presets.RetryBaseMs)}.";
        }

        if (Retentions.HistoryRetention < Retentions.TombstoneRetention)
        {
            yield return $"{Section}:{nameof(Retentions.HistoryRetention)} is below {Section}:{nameof(Retentions.TombstoneRetention)}: "
                + "cursors are checked against history.";
        }
    }

    private static IEnumerable<string> OutOfRange(object settings)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(settings, new ValidationContext(settings), results, validateAllProperties: true);
        return results.Select(result => $"{Section}:{result.MemberNames.First()} is out of range. {result.ErrorMessage}");
    }
}
