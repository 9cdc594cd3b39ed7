from result_documents import small_document

from featrank.render._flat import flat_columns


def test_a_row_a_layer_and_a_column_a_fact() -> None:
    document = small_document(partial=True)
    columns = {name: values for name, (_, values) in flat_columns(document).items()}
    assert {len(values) for values in columns.values()} == {5}
    assert columns["partial"] == [True] * 5
    assert columns["target"] == ["pets"] * 5
    assert columns["gda"][0] == 0.1 + 0.2
    assert columns["gda"][4] is None
    assert columns["low_rank"][:4] == [1, 2, 3, 4]
    assert "gda_low" not in columns
    document["rows"][1]["scores"]["gda"]["low"] = 0.05
    assert flat_columns(document)["gda_low"] == (float, [None, 0.05, None, None, None])


def test_what_a_number_is_of_stands_beside_it() -> None:
    document = small_document(partial=True)
    details = {"sampled_rows": 4998, "label_free": True}
    document["rows"][0]["scores"]["gda"]["details"] = details
    columns = flat_columns(document)
    assert columns["gda_sampled_rows"] == (int, [4998, None, None, None, None])
    assert columns["gda_label_free"] == (bool, [True, None, None, None, None])
    assert "low_sampled_rows" not in columns
