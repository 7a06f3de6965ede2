# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Loaders of the data sets that ship with the package.

A data set is one gzipped CSV in ``data/`` and one section of ``data/README.md``, which
becomes its ``DESCR``. The table is always read into floats first, and the pandas
version is built from them, so that both say the same and pandas stays optional.
"""

import csv
import gzip
from importlib.resources import files

import numpy as np
from sklearn.utils import Bunch

_DATA_MODULE = "skmoe.datasets.data"

# The order of the categories is the order of their codes. Written out rather than
# sorted from the file: seasons, days and weather have an order of their own.
_BIKE_CATEGORIES = {
    "season": ["spring", "summer", "fall", "winter"],
    "weekday": [
        "sunday",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
    ],
    "weather": ["clear", "misty", "rain", "heavy_rain"],
}
_PENGUINS_CATEGORIES = {
    "island": ["Biscoe", "Dream", "Torgersen"],
    "sex": ["female", "male"],
}


def load_bike_sharing(*, return_X_y=False, as_frame=False):
    """Load the hourly bike sharing data set (regression, counts).

    Number of bicycles rented per hour in Washington D.C. in 2011 and 2012, with the
    calendar and the weather. Commuters make two peaks on working days, leisure makes
    one broad peak on the others: two regimes for two experts.

    =================   =================================
    Samples total       17,379, in time order
    Dimensionality      12, of which 3 categorical
    Features            real, 0/1, category
    Targets             integer, 1 to 977
    Missing values      none
    =================   =================================

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        If True, `data` is a pandas DataFrame and `target` a pandas Series. Needs
        pandas.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray, DataFrame} of shape (17379, 12)
            The features. In the array a category is the float that indexes it in
            `categories`, from 0.0; in the DataFrame it has dtype ``category``. Rows are
            in time order: hours of January 2011 first, of December 2012 last.
        target : {ndarray, Series} of shape (17379,)
            Bicycles rented in the hour, as floats.
        frame : DataFrame of shape (17379, 13) or None
            `data` and `target` together if ``as_frame=True``, else None.
        feature_names : list of str
            The names of the columns of `data`.
        target_names : list of str
            The name of the target, ``["rentals"]``.
        categorical_features : list of str
            The names of the categorical columns: season, weekday and weather.
        categories : dict of str to list of str
            The category names of each categorical column, in the order of their codes.
        DESCR : str
            The full description, with source and licence.
        filename : str
            The name of the file in `data_module`.
        data_module : str
            The package that holds the file.

    (data, target) : tuple if ``return_X_y=True``
        `data` and `target` as described above.

    See Also
    --------
    load_concrete : Compressive strength of concrete, numeric features only.
    load_penguins : Bill depth of penguins, with missing values.

    Notes
    -----
    From the UCI Machine Learning Repository [1]_, collected by Fanaee-T and Gama [2]_.
    Licence: CC BY 4.0.

    References
    ----------
    .. [1] UCI Machine Learning Repository, Bike Sharing.
       https://doi.org/10.24432/C5W894
    .. [2] H. Fanaee-T and J. Gama (2013). Event labeling combining ensemble detectors
       and background knowledge. Progress in Artificial Intelligence 2, 113-127.
       https://doi.org/10.1007/s13748-013-0040-3

    Examples
    --------
    >>> from skmoe.datasets import load_bike_sharing
    >>> bike = load_bike_sharing()
    >>> bike.data.shape, bike.target_names
    ((17379, 12), ['rentals'])
    >>> weather = bike.data[:, bike.feature_names.index("weather")]
    >>> bike.categories["weather"][int(weather[5])]
    'misty'
    """
    return _load(
        "load_bike_sharing",
        "bike_sharing.csv.gz",
        _BIKE_CATEGORIES,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


def load_concrete(*, return_X_y=False, as_frame=False):
    """Load the concrete compressive strength data set (regression).

    Strength of concrete by its recipe and its age. Recipes with and without slag, ash
    or superplasticizer harden differently, and strength grows fast at first, then
    slowly.

    =================   =================================
    Samples total       1,030
    Dimensionality      8
    Features            real, non-negative
    Targets             real, 2.33 to 82.6 (MPa)
    Missing values      none
    =================   =================================

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        If True, `data` is a pandas DataFrame and `target` a pandas Series. Needs
        pandas.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray, DataFrame} of shape (1030, 8)
            The features: kg of each ingredient in a cubic metre, and age in days.
        target : {ndarray, Series} of shape (1030,)
            Compressive strength in MPa.
        frame : DataFrame of shape (1030, 9) or None
            `data` and `target` together if ``as_frame=True``, else None.
        feature_names : list of str
            The names of the columns of `data`.
        target_names : list of str
            The name of the target, ``["compressive_strength"]``.
        categorical_features : list of str
            Empty: every feature is numeric.
        categories : dict of str to list of str
            Empty: every feature is numeric.
        DESCR : str
            The full description, with source and licence.
        filename : str
            The name of the file in `data_module`.
        data_module : str
            The package that holds the file.

    (data, target) : tuple if ``return_X_y=True``
        `data` and `target` as described above.

    See Also
    --------
    load_bike_sharing : Hourly bicycle rentals, larger, with categories.
    load_penguins : Bill depth of penguins, with missing values.

    Notes
    -----
    From the UCI Machine Learning Repository [1]_, collected by Yeh [2]_.
    Licence: CC BY 4.0.

    References
    ----------
    .. [1] UCI Machine Learning Repository, Concrete Compressive Strength.
       https://doi.org/10.24432/C5PK67
    .. [2] I-C. Yeh (1998). Modeling of strength of high-performance concrete using
       artificial neural networks. Cement and Concrete Research 28 (12), 1797-1808.
       https://doi.org/10.1016/S0008-8846(98)00165-3

    Examples
    --------
    >>> from skmoe.datasets import load_concrete
    >>> X, y = load_concrete(return_X_y=True)
    >>> X.shape, y.shape
    ((1030, 8), (1030,))
    """
    return _load(
        "load_concrete",
        "concrete.csv.gz",
        {},
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


def load_penguins(*, return_X_y=False, as_frame=False):
    """Load the Palmer penguins data set, bill depth as target (regression).

    Bill depth falls with bill length over all penguins and rises with it within each
    of three species. The species is not among the features: it is the regime that a
    mixture of experts has to find.

    =================   =================================
    Samples total       342
    Dimensionality      6, of which 2 categorical
    Features            real, category
    Targets             real, 13.1 to 21.5 (mm)
    Missing values      9, all in ``sex``
    =================   =================================

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        If True, `data` is a pandas DataFrame and `target` a pandas Series. Needs
        pandas.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray, DataFrame} of shape (342, 6)
            The features. In the array a category is the float that indexes it in
            `categories`, from 0.0, and a missing one is NaN; in the DataFrame it has
            dtype ``category``. Rows are grouped by species: 151 Adelie, then 123
            Gentoo, then 68 Chinstrap.
        target : {ndarray, Series} of shape (342,)
            Bill depth in mm.
        frame : DataFrame of shape (342, 7) or None
            `data` and `target` together if ``as_frame=True``, else None.
        feature_names : list of str
            The names of the columns of `data`.
        target_names : list of str
            The name of the target, ``["bill_depth_mm"]``.
        categorical_features : list of str
            The names of the categorical columns: island and sex.
        categories : dict of str to list of str
            The category names of each categorical column, in the order of their codes.
        DESCR : str
            The full description, with source and licence.
        filename : str
            The name of the file in `data_module`.
        data_module : str
            The package that holds the file.

    (data, target) : tuple if ``return_X_y=True``
        `data` and `target` as described above.

    See Also
    --------
    load_bike_sharing : Hourly bicycle rentals, larger, without missing values.
    load_concrete : Compressive strength of concrete, numeric features only.

    Notes
    -----
    From the R package palmerpenguins by Horst, Hill and Gorman [1]_. Licence: CC0 1.0.

    References
    ----------
    .. [1] A. M. Horst, A. P. Hill and K. B. Gorman (2020). palmerpenguins: Palmer
       Archipelago (Antarctica) penguin data. https://doi.org/10.5281/zenodo.3960218

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.datasets import load_penguins
    >>> penguins = load_penguins()
    >>> penguins.feature_names[:3]
    ['bill_length_mm', 'flipper_length_mm', 'body_mass_g']
    >>> bool(np.corrcoef(penguins.data[:, 0], penguins.target)[0, 1] < 0)
    True
    >>> int(np.isnan(penguins.data).sum())
    9
    """
    return _load(
        "load_penguins",
        "penguins.csv.gz",
        _PENGUINS_CATEGORIES,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


def _load(caller, filename, categories, *, return_X_y, as_frame):
    """Read one data set and hand it out in the form asked for."""
    _check_bool(return_X_y, "return_X_y", caller)
    _check_bool(as_frame, "as_frame", caller)
    # Before reading: a missing pandas should not cost the time of the read.
    pandas = _import_pandas(caller) if as_frame else None

    names, table = _read_table(filename, categories)
    *feature_names, target_name = names
    data, target = np.ascontiguousarray(table[:, :-1]), table[:, -1].copy()
    frame = None
    if as_frame:
        frame = _to_frame(pandas, names, table, categories)
        data, target = frame[feature_names], frame[target_name]
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=feature_names,
        target_names=[target_name],
        categorical_features=list(categories),
        # Copies: a caller who edits the Bunch must not edit the next one's.
        categories={name: list(names) for name, names in categories.items()},
        DESCR=_read_description(filename),
        filename=filename,
        data_module=_DATA_MODULE,
    )


def _check_bool(value, name, caller):
    """Refuse anything but a bool: the string "False" is true."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(
            f"The {name!r} parameter of {caller} must be a bool. Got {value!r} instead."
        )


def _import_pandas(caller):
    """Import pandas, or say who needs it and how to get it."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f"{caller} with as_frame=True requires pandas. Install it with "
            "`pip install 'skmoe[pandas]'`, or use as_frame=False."
        ) from error
    return pandas


def _data_file(filename):
    """Return the shipped file, also where the package is not a plain folder."""
    return files(_DATA_MODULE) / filename


def _read_table(filename, categories):
    """Read a data file into column names and a float array of shape (n, d + 1)."""
    with (
        _data_file(filename).open("rb") as raw,
        gzip.open(raw, "rt", encoding="utf-8", newline="") as text,
    ):
        names, *rows = csv.reader(text)
    columns = zip(*rows, strict=True)
    coded = [
        _encode(column, categories.get(name))
        for name, column in zip(names, columns, strict=True)
    ]
    return names, np.column_stack(coded)


def _encode(column, categories):
    """Turn the strings of one column into floats, an empty one into NaN."""
    if categories is None:
        return [float(value) if value else np.nan for value in column]
    codes = {name: float(code) for code, name in enumerate(categories)}
    codes[""] = np.nan
    return [codes[value] for value in column]


def _to_frame(pandas, names, table, categories):
    """Build the DataFrame that says the same as the float array."""
    columns = {}
    for name, column in zip(names, table.T, strict=True):
        if name in categories:
            # pandas marks a missing category by the code -1.
            codes = np.where(np.isnan(column), -1, column).astype(np.intp)
            column = pandas.Categorical.from_codes(codes, categories[name])
        columns[name] = column
    return pandas.DataFrame(columns)


def _read_description(filename):
    """Return the section of the data folder's README that describes a file."""
    text = _data_file("README.md").read_text(encoding="utf-8")
    _, _, section = text.partition(f"## {filename}\n")
    section, _, _ = section.partition("\n## ")
    return f"{filename}\n{section}".strip() + "\n"
