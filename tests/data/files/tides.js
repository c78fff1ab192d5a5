// Tide tables
import fs from 'fs';

export function tides(harbour) {
  return fs.read(harbour);
}

const next = (after) => {
  return after + 1;
};
